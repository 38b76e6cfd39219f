"""Record classes of the batches that senders make, written from the forms by docs/records.py.

from gateway import client
from gateway.client import records

wage = records.Wage(employer="2099990001299", insured="1893120105732", period="2026-07", ...)
batch = records.Decsal(header=..., wage=(wage,), version=records.DecsalVersion.VALUE_1_0)
Path("DECSAL.xml").write_bytes(client.as_xml(batch))
"""

# ruff: noqa
from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

__NAMESPACE__ = "urn:secugate:1"


class ActivityKind(Enum):
    """
    What a record does to the declarations: it adds one, states one anew,
    or wipes one.

    Source: SECUline, DEMDET; the words are ours.
    """

    CREATION = "creation"
    RECTIFICATION = "rectification"
    CANCELLATION = "cancellation"


class ActivityProcedure(Enum):
    """
    By which rule the applicable law is found: articles 11, 12, 13 and 16
    of Regulation (EC) No 883/2004, or a third country.

    Source: SECUline, DEMDET; the words are ours.
    """

    CIVIL_SERVANT_SEAFARER_AIRCREW = "civil-servant-seafarer-aircrew"
    POSTING = "posting"
    MULTI_STATE = "multi-state"
    RHINE = "rhine"
    THIRD_COUNTRY = "third-country"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnomalyType:
    """
    One fault of a file or of one of its records, as the acknowledgement
    and FAIL tell it.

    Source: our own.

    :ivar code: Key of the rejection. Source: table of rejections.
        Purpose: so that the sender can correct it.
    :ivar record: Place of the record in the batch, from 1; absent for a
        fault of the file. Source: our own. Purpose: to find the record.
    :ivar field_value: Name of the field concerned. Source: the form.
        Purpose: to find the field.
    :ivar path: Where it stands in the XML, such as
        /DECSAL/Wage[3]/BaseWage. Source: our own. Purpose: to find the
        place.
    :ivar line: Line of the received XML, where known. Unit: lines from
        1. Source: our own. Purpose: to find the place.
    :ivar value: The value seen. Source: our own. Purpose: to see what
        was wrong.
    """

    code: str = field(
        metadata={
            "name": "Code",
            "type": "Element",
            "namespace": "urn:secugate:1",
            "max_length": 40,
            "pattern": r"[A-Z0-9]+(-[A-Z0-9]+)*",
        }
    )
    record: None | str = field(
        default=None,
        metadata={
            "name": "Record",
            "type": "Element",
            "namespace": "urn:secugate:1",
            "pattern": r"[1-9][0-9]{0,17}",
        },
    )
    field_value: None | str = field(
        default=None,
        metadata={
            "name": "Field",
            "type": "Element",
            "namespace": "urn:secugate:1",
            "max_length": 200,
        },
    )
    path: None | str = field(
        default=None,
        metadata={
            "name": "Path",
            "type": "Element",
            "namespace": "urn:secugate:1",
            "max_length": 1000,
        },
    )
    line: None | str = field(
        default=None,
        metadata={
            "name": "Line",
            "type": "Element",
            "namespace": "urn:secugate:1",
            "pattern": r"[1-9][0-9]{0,17}",
        },
    )
    value: None | str = field(
        default=None,
        metadata={
            "name": "Value",
            "type": "Element",
            "namespace": "urn:secugate:1",
            "max_length": 200,
        },
    )


class CertificateKind(Enum):
    """
    What is certified: affiliation alone, or income as well.

    Source: our own.
    """

    AFFILIATION = "affiliation"
    INCOME = "income"


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """
    One user company whose number is asked for.

    Source: SECUline, DEMUTI. Purpose: to find the company's number, or to
    give a new one.

    :ivar employer: The agency that asks. Unit: 13 digits. Source:
        SECUline, DEMUTI; number 2 is ours, as the layout is not public.
        Purpose: to know by whose right the number is asked for; the
        sender needs a mandate for it.
    :ivar name: Name of the user company, as in the register of its
        country. Source: SECUline, DEMUTI; number 3 is ours, as the
        layout is not public. Purpose: to find a company that already
        has a number, and to register a new one.
    :ivar house_number: Number of the house in the company's address.
        Source: SECUline, DEMUTI; number 4 is ours, as the layout is not
        public. Purpose: to tell companies of one name apart.
    :ivar street: Street of the company's address. Source: SECUline,
        DEMUTI; number 5 is ours, as the layout is not public. Purpose:
        to tell companies of one name apart.
    :ivar country: Country of the company's address; not Luxembourg,
        where companies have an employer's number already. Unit: ISO
        3166-1 alpha-2. Source: SECUline, DEMUTI and UTIRET 1; number 6
        is ours, as the layout is not public. Purpose: to tell companies
        of one name apart; says how the postcode is written.
    :ivar postcode: Postcode of the company's address, without the
        letter of the country: five digits in Germany and France, four
        in Belgium. Source: SECUline, DEMUTI and UTIRET 2; number 7 is
        ours, as the layout is not public. Purpose: to tell companies of
        one name apart.
    :ivar town: Town of the company's address. Source: SECUline, DEMUTI;
        number 8 is ours, as the layout is not public. Purpose: to tell
        companies of one name apart.
    :ivar reference: The sender's own reference for the record. Source:
        our own; number 9 is ours, as the layout is not public. Purpose:
        so that the sender finds the record again.
    """

    class Meta:
        namespace = "urn:secugate:1"

    employer: str = field(
        metadata={
            "name": "Employer",
            "type": "Element",
            "pattern": r"[0-9]{13}",
        }
    )
    name: str = field(
        metadata={
            "name": "Name",
            "type": "Element",
            "max_length": 100,
            "pattern": r"[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+( +[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+)*",
        }
    )
    house_number: str = field(
        metadata={
            "name": "HouseNumber",
            "type": "Element",
            "max_length": 10,
            "pattern": r"[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+( +[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+)*",
        }
    )
    street: str = field(
        metadata={
            "name": "Street",
            "type": "Element",
            "max_length": 100,
            "pattern": r"[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+( +[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+)*",
        }
    )
    country: str = field(
        metadata={
            "name": "Country",
            "type": "Element",
            "pattern": r"[A-Z]{2}",
        }
    )
    postcode: str = field(
        metadata={
            "name": "Postcode",
            "type": "Element",
            "max_length": 12,
            "pattern": r"[0-9A-Z]+([ -][0-9A-Z]+)*",
        }
    )
    town: str = field(
        metadata={
            "name": "Town",
            "type": "Element",
            "max_length": 80,
            "pattern": r"[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+( +[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+)*",
        }
    )
    reference: None | str = field(
        default=None,
        metadata={
            "name": "Reference",
            "type": "Element",
            "max_length": 40,
            "pattern": r"[ -:<-~]+",
        },
    )


class DecaffVersion(Enum):
    VALUE_1_0 = "1.0"


class DecintVersion(Enum):
    VALUE_1_0 = "1.0"


class DecmalVersion(Enum):
    VALUE_1_0 = "1.0"


class DecsalVersion(Enum):
    VALUE_1_0 = "1.0"


class DemmatVersion(Enum):
    VALUE_1_0 = "1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositType:
    """
    The deposit that a document answers.

    Source: RGD 12 May 1975, art. 20.

    :ivar id: Identifier given to the deposit when it was received.
        Source: our own. Purpose: to ask for the state of the deposit.
    :ivar name: Name of the file as it was deposited. Source: SECUline
        file-name rule for XML. Purpose: so that the sender finds the
        batch that is answered.
    :ivar size: Size of the file. Unit: bytes. Source: our own. Purpose:
        to prove, with the digest, which bytes were received.
    :ivar digest: SHA-256 of the file's bytes. Unit: 64 hexadecimal
        digits. Source: FIPS 180-4. Purpose: to prove which bytes were
        received.
    :ivar received: When the file entered our possession. Unit: UTC, to
        the microsecond. Source: RGD 12 May 1975, art. 16 and 20.
        Purpose: decides which form, key and mandate is in force;
        deadlines are counted from it.
    """

    id: str = field(
        metadata={
            "name": "Id",
            "type": "Element",
            "namespace": "urn:secugate:1",
            "pattern": r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        }
    )
    name: str = field(
        metadata={
            "name": "Name",
            "type": "Element",
            "namespace": "urn:secugate:1",
            "min_length": 1,
            "max_length": 255,
        }
    )
    size: str = field(
        metadata={
            "name": "Size",
            "type": "Element",
            "namespace": "urn:secugate:1",
            "pattern": r"0|[1-9][0-9]{0,11}",
        }
    )
    digest: str = field(
        metadata={
            "name": "Digest",
            "type": "Element",
            "namespace": "urn:secugate:1",
            "pattern": r"[0-9a-f]{64}",
        }
    )
    received: str = field(
        metadata={
            "name": "Received",
            "type": "Element",
            "namespace": "urn:secugate:1",
            "pattern": r"[12][0-9]{3}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z|([12][0-9](0[48]|[2468][048]|[13579][26])|(12|16|20|24|28)00)-02-29T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z",
        }
    )


class EmployerKind(Enum):
    """
    What is asked for: a registration, or another name.

    Source: our own.
    """

    REGISTRATION = "registration"
    NAME = "name"


class Environment(Enum):
    """
    The world a document belongs to: production takes effect, test does
    not.

    Source: our own.
    """

    PRODUCTION = "production"
    TEST = "test"


class Flag(Enum):
    """
    Y for yes; absent for no.

    Source: DECSAL record layout, field 16.
    """

    Y = "Y"


class IncapacityKind(Enum):
    """
    What a record does (record type 1 and 2 of the .dta layout).

    Source: DECMAL record layout (known at second hand), field 1.
    """

    DECLARATION = "declaration"
    CANCELLATION = "cancellation"


class InsuredGroup(Enum):
    """
    How somebody is insured: as an employee, a pupil or student in
    holidays, an apprentice, for occasional work without a right to cash
    benefits, beside an old-age pension, as a civil servant.

    Source: our own, after the pages of the operator on each.
    """

    EMPLOYEE = "employee"
    PUPIL = "pupil"
    APPRENTICE = "apprentice"
    OCCASIONAL = "occasional"
    PENSIONER = "pensioner"
    PUBLIC = "public"


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalType:
    """
    Where the register of entries and exits records an event.

    Source: RGD 12 May 1975, art. 20.

    :ivar sequence: Place of the event in the register of entries and
        exits. Source: RGD 12 May 1975, art. 20. Purpose: so that a gap
        in the register can be noticed.
    :ivar hash: Root of the Merkle tree of all entries up to this one.
        Unit: 64 hexadecimal digits. Source: RFC 9162, section 2.1.
        Purpose: so that nobody, the operator included, can change the
        register unnoticed.
    """

    sequence: str = field(
        metadata={
            "name": "Sequence",
            "type": "Element",
            "namespace": "urn:secugate:1",
            "pattern": r"[1-9][0-9]{0,17}",
        }
    )
    hash: str = field(
        metadata={
            "name": "Hash",
            "type": "Element",
            "namespace": "urn:secugate:1",
            "pattern": r"[0-9a-f]{64}",
        }
    )


class Kind(Enum):
    """
    What the record asks for: an entry, an exit, a change of an earlier
    declaration, or its cancellation.

    Source: SECUline, DECAFF: several record types exist, their codes are
    not public; these words are ours.
    """

    ENTRY = "entry"
    EXIT = "exit"
    CHANGE = "change"
    CANCELLATION = "cancellation"


class Language(Enum):
    """
    Language, ISO 639-1.

    Source: ISO 639-1.
    """

    FR = "fr"
    DE = "de"
    EN = "en"


class Level(Enum):
    """
    How far a code reaches: the whole file, one record, or neither.

    Source: our own.
    """

    FILE = "file"
    RECORD = "record"
    HINT = "hint"


class MandateKind(Enum):
    """
    What is to become of a mandate: asked for by a member, granted by the
    employer, confirmed by it when it was asked for, or ended by either.

    Source: our own.
    """

    REQUEST = "request"
    GRANT = "grant"
    CONFIRM = "confirm"
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """
    A SECUline member: who sends batches and collects answers.

    It need not be the employer that the records are about. Source: type-0
    record (identifiant support) of the SECUline layouts.

    :ivar matricule: Employer matricule of the SECUline member. Unit: 13
        digits. Source: type-0 record (identifiant support) of the
        SECUline layouts, field 2. Purpose: to identify the member.
    :ivar number: SECUline number of the member. Unit: 6 digits. Source:
        type-0 record (identifiant support) of the SECUline layouts,
        field 3. Purpose: to identify the member, together with the
        matricule.
    """

    matricule: str = field(
        metadata={
            "name": "Matricule",
            "type": "Element",
            "namespace": "urn:secugate:1",
            "pattern": r"[0-9]{13}",
        }
    )
    number: str = field(
        metadata={
            "name": "Number",
            "type": "Element",
            "namespace": "urn:secugate:1",
            "pattern": r"[0-9]{6}",
        }
    )


class MissionKind(Enum):
    """
    What the record asks for: a mission with both its dates, its entry
    alone or its exit, a change of an earlier declaration, or its
    cancellation.

    Source: SECUline, DECINT: missions come in one record or as entry and
    exit; these words are ours.
    """

    MISSION = "mission"
    ENTRY = "entry"
    EXIT = "exit"
    CHANGE = "change"
    CANCELLATION = "cancellation"


class OwncalVersion(Enum):
    VALUE_1_0 = "1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """
    One person whose matricule is asked for.

    Source: SECUline, DEMMAT. Purpose: to find the person's number, or to
    give a new one.

    :ivar employer: The employer who hires the person. Unit: 13 digits.
        Source: SECUline, DEMMAT; number 2 is ours, as the layout is not
        public. Purpose: to know by whose right the number is asked for;
        the sender needs a mandate for it.
    :ivar surname: Surname, as on the identity document, in capitals
        without accents. Source: SECUline, DEMMAT; number 3 is ours, as
        the layout is not public. Purpose: to find a person who already
        has a number, and to register a new one.
    :ivar first_name: First name, as on the identity document, in
        capitals without accents. Source: SECUline, DEMMAT; number 4 is
        ours, as the layout is not public. Purpose: to find a person who
        already has a number, and to register a new one.
    :ivar birth_date: Date of birth. Unit: day. Source: SECUline,
        DEMMAT; RGD 28 November 2013, art. 1; number 5 is ours, as the
        layout is not public. Purpose: first part of the matricule; to
        find a person who already has a number, and to register a new
        one.
    :ivar nationality: Nationality. Unit: ISO 3166-1 alpha-2. Source:
        SECUline, page on hiring; number 6 is ours, as the layout is not
        public. Purpose: numbers of other nationals come from the
        immigration authority.
    :ivar house_number: Number of the house in the person's address.
        Source: SECUline, DEMMAT; number 7 is ours, as the layout is not
        public. Purpose: kept with the new number, so that the person
        can be reached.
    :ivar street: Street of the person's address. Source: SECUline,
        DEMMAT; number 8 is ours, as the layout is not public. Purpose:
        kept with the new number, so that the person can be reached.
    :ivar country: Country of the person's address. Unit: ISO 3166-1
        alpha-2. Source: SECUline, DEMMAT; number 9 is ours, as the
        layout is not public. Purpose: kept with the new number, so that
        the person can be reached.
    :ivar postcode: Postcode of the person's address. Source: SECUline,
        DEMMAT; number 10 is ours, as the layout is not public. Purpose:
        kept with the new number, so that the person can be reached.
    :ivar town: Town of the person's address. Source: SECUline, DEMMAT;
        number 11 is ours, as the layout is not public. Purpose: kept
        with the new number, so that the person can be reached.
    :ivar reference: The sender's own reference for the record. Source:
        our own; number 12 is ours, as the layout is not public.
        Purpose: so that the sender finds the record again.
    """

    class Meta:
        namespace = "urn:secugate:1"

    employer: str = field(
        metadata={
            "name": "Employer",
            "type": "Element",
            "pattern": r"[0-9]{13}",
        }
    )
    surname: str = field(
        metadata={
            "name": "Surname",
            "type": "Element",
            "max_length": 80,
            "pattern": r"'*[A-Z][A-Z']*([ -]'*[A-Z][A-Z']*)*",
        }
    )
    first_name: str = field(
        metadata={
            "name": "FirstName",
            "type": "Element",
            "max_length": 80,
            "pattern": r"'*[A-Z][A-Z']*([ -]'*[A-Z][A-Z']*)*",
        }
    )
    birth_date: str = field(
        metadata={
            "name": "BirthDate",
            "type": "Element",
            "pattern": r"[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",
        }
    )
    nationality: str = field(
        metadata={
            "name": "Nationality",
            "type": "Element",
            "pattern": r"[A-Z]{2}",
        }
    )
    house_number: str = field(
        metadata={
            "name": "HouseNumber",
            "type": "Element",
            "max_length": 10,
            "pattern": r"[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+( +[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+)*",
        }
    )
    street: str = field(
        metadata={
            "name": "Street",
            "type": "Element",
            "max_length": 100,
            "pattern": r"[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+( +[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+)*",
        }
    )
    country: str = field(
        metadata={
            "name": "Country",
            "type": "Element",
            "pattern": r"[A-Z]{2}",
        }
    )
    postcode: str = field(
        metadata={
            "name": "Postcode",
            "type": "Element",
            "max_length": 12,
            "pattern": r"[0-9A-Z]+([ -][0-9A-Z]+)*",
        }
    )
    town: str = field(
        metadata={
            "name": "Town",
            "type": "Element",
            "max_length": 80,
            "pattern": r"[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+( +[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+)*",
        }
    )
    reference: None | str = field(
        default=None,
        metadata={
            "name": "Reference",
            "type": "Element",
            "max_length": 40,
            "pattern": r"[ -:<-~]+",
        },
    )


class Severity(Enum):
    """
    What the sender has to do: send again, put right, or look.

    Source: our own.
    """

    BLOCKING = "blocking"
    TO_CORRECT = "to-correct"
    HINT = "hint"


class Truth(Enum):
    """
    Yes or no.

    Source: our own.
    """

    TRUE = "true"
    FALSE = "false"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchanged:
    """
    One month of one employer: everybody on its staff list earned the base
    wage and worked the hours that the list shows, and nothing else.

    Source: our own, as no layout is public. Purpose: to declare the wages
    of that month.

    :ivar employer: The employer who pays the wages. Unit: 13 digits.
        Source: our own, as no layout is public; number 2 is ours.
        Purpose: to know whose list is confirmed; the sender needs a
        mandate for it.
    :ivar period: The wage month of the list, from 2019-01 and ended
        before the receipt. The wages of the month before are repeated.
        Unit: YYYY-MM. Source: our own, as no layout is public; number 3
        is ours. Purpose: to know which month is declared.
    :ivar reference: The sender's own reference for the record; each
        wage repeated bears it. Source: our own, as no layout is public;
        number 4 is ours. Purpose: so that the sender finds the record
        again.
    """

    class Meta:
        namespace = "urn:secugate:1"

    employer: str = field(
        metadata={
            "name": "Employer",
            "type": "Element",
            "pattern": r"[0-9]{13}",
        }
    )
    period: str = field(
        metadata={
            "name": "Period",
            "type": "Element",
            "pattern": r"[12][0-9]{3}-(0[1-9]|1[0-2])",
        }
    )
    reference: None | str = field(
        default=None,
        metadata={
            "name": "Reference",
            "type": "Element",
            "max_length": 40,
            "pattern": r"[ -:<-~]+",
        },
    )


class Version(Enum):
    """
    The version that this file defines.
    """

    VALUE_1_0 = "1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class AcknowledgementHeaderType:
    """
    The head of a receipt or an acknowledgement, which always answers a
    deposit.

    Source: our own.

    :ivar sender: The office that answers: CCSS. Source: SECUline file-
        name rule for XML. Purpose: to identify the sender of the
        answer.
    :ivar recipient: The member the answer is for. Source: SECUline:
        returns go to the member who sent. Purpose: so that an answer
        cannot be taken for another member's.
    :ivar environment: The environment that the answer comes from.
        Source: our own. Purpose: so that the answer of a test is never
        taken for a real one.
    :ivar created: When the answer was written. Unit: UTC, to the
        second. Source: our own. Purpose: to date the answer.
    :ivar deposit: The deposit that is answered. Source: RGD 12 May
        1975, art. 20. Purpose: so that the sender finds its batch and
        can prove what was received.
    """

    sender: str = field(
        metadata={
            "name": "Sender",
            "type": "Element",
            "namespace": "urn:secugate:1",
            "pattern": r"[A-Z]{2,10}",
        }
    )
    recipient: Member = field(
        metadata={
            "name": "Recipient",
            "type": "Element",
            "namespace": "urn:secugate:1",
        }
    )
    environment: Environment = field(
        metadata={
            "name": "Environment",
            "type": "Element",
            "namespace": "urn:secugate:1",
        }
    )
    created: str = field(
        metadata={
            "name": "Created",
            "type": "Element",
            "namespace": "urn:secugate:1",
            "pattern": r"[12][0-9]{3}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z|([12][0-9](0[48]|[2468][048]|[13579][26])|(12|16|20|24|28)00)-02-29T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z",
        }
    )
    deposit: DepositType = field(
        metadata={
            "name": "Deposit",
            "type": "Element",
            "namespace": "urn:secugate:1",
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """
    One activity abroad of one insured with one employer: declared, stated
    anew, or wiped.

    Source: SECUline, DEMDET. Purpose: to find the law that applies to it.

    :ivar kind: What the record does: creation, rectification,
        cancellation. Source: SECUline, DEMDET; the words are ours;
        number 2 is ours, as the layout was not read. Purpose: to tell a
        new declaration from one that states or wipes an earlier one.
    :ivar employer: The employer whose activity it is. Unit: 13 digits.
        Source: SECUline, DEMDET and DETRET 3; number 3 is ours, as the
        layout was not read. Purpose: to know by whose right it is
        declared; the sender needs a mandate for it.
    :ivar insured: The person who works abroad. Unit: 13 digits. Source:
        SECUline, DEMDET and DETRET 4; number 4 is ours, as the layout
        was not read. Purpose: to know for whom Luxembourg's social
        security is to go on.
    :ivar member_matricule: The sender's employer number, as in the
        head; may be left out. Unit: 13 digits. Source: SECUline, DEMDET
        (identity of the member) and DETRET 1; number 5 is ours, as the
        layout was not read. Purpose: to be compared with the sender of
        the head.
    :ivar member_number: The sender's SECUline number, as in the head;
        may be left out. Unit: 6 digits. Source: SECUline, DEMDET
        (identity of the member) and DETRET 2; number 6 is ours, as the
        layout was not read. Purpose: to be compared with the sender of
        the head.
    :ivar procedure: By which rule the applicable law is found: article
        11, 12, 13 or 16 of Regulation (EC) No 883/2004, or a posting to
        a third country. Source: SECUline, DEMDET; the words are ours;
        number 7 is ours, as the layout was not read. Purpose: to know
        by which rules the declaration is judged.
    :ivar first: First day of the activity; of a cancellation without
        Previous, that of the activity it wipes. Unit: day, inclusive.
        Source: SECUline, DEMDET and DETRET 6; number 8 is ours, as the
        layout was not read. Purpose: to know from when on it is
        declared.
    :ivar last: Last day of the activity, as foreseen. Unit: day,
        inclusive. Source: SECUline, DEMDET and DETRET 12; number 9 is
        ours, as the layout was not read. Purpose: to know until when it
        is declared.
    :ivar residence_country: Country in which the insured lives. Unit:
        ISO 3166-1 alpha-2. Source: SECUline, DEMDET (legal address) and
        DETRET 5; number 10 is ours, as the layout was not read.
        Purpose: to be compared with the register; telework is judged by
        it.
    :ivar house_number: Number of the house in the insured's legal
        address. Source: SECUline, DEMDET (legal address); number 11 is
        ours, as the layout was not read. Purpose: to make out the
        certificate.
    :ivar street: Street of the insured's legal address. Source:
        SECUline, DEMDET (legal address); number 12 is ours, as the
        layout was not read. Purpose: to make out the certificate.
    :ivar postcode: Postcode of the insured's legal address. Source:
        SECUline, DEMDET (legal address); number 13 is ours, as the
        layout was not read. Purpose: to make out the certificate.
    :ivar town: Town of the insured's legal address. Source: SECUline,
        DEMDET (legal address); number 14 is ours, as the layout was not
        read. Purpose: to make out the certificate.
    :ivar host_country: Country of the work: of a posting, in a member
        State or elsewhere; of seafarers the flag, of crews the home
        base. Unit: ISO 3166-1 alpha-2. Source: SECUline, DEMDET
        (activity) and DETRET 12; number 15 is ours, as the layout was
        not read. Purpose: to know whose agreement counts.
    :ivar host_name: Who receives the posted worker. Source: SECUline,
        DEMDET (activity); number 16 is ours, as the layout was not
        read. Purpose: to make out the certificate.
    :ivar host_town: Town in which the posted worker works. Source:
        SECUline, DEMDET (activity); number 17 is ours, as the layout
        was not read. Purpose: to make out the certificate.
    :ivar countries: Countries of the other usual activity, beside
        Luxembourg, parted by one blank each; three at most. Unit: ISO
        3166-1 alpha-2. Source: SECUline, DEMDET (activity) and DETRET
        7; number 18 is ours, as the layout was not read. Purpose: to
        find the law that applies to work in several States.
    :ivar telework: Whether it is a request under the framework
        agreement on cross-border telework. Source: Framework agreement
        on art. 16 (1) of Regulation (EC) No 883/2004; the field is
        ours; number 19 is ours, as the layout was not read. Purpose: to
        judge it by the conditions of that agreement.
    :ivar telework_share: Share of the whole working time that is
        telework in the State of residence. Unit: per cent, two
        decimals. Source: Framework agreement on art. 16 (1) of
        Regulation (EC) No 883/2004; the field is ours; number 20 is
        ours, as the layout was not read. Purpose: to judge whether the
        agreement covers it: from 25 to below 50 per cent.
    :ivar employer_seat: Country of the employer's registered office,
        where it is not Luxembourg. Unit: ISO 3166-1 alpha-2. Source:
        SECUline, DEMDET (activity); the field is ours; number 21 is
        ours, as the layout was not read. Purpose: to know which State's
        institution decides.
    :ivar imo: Number of the ship, without the letters IMO. Unit: 7
        digits, the last one a check digit. Source: SECUline, DETRET 10;
        number 22 is ours, as the layout was not read. Purpose: to know
        the ship on which a seafarer works.
    :ivar occupation: What the insured does abroad. Source: SECUline,
        DEMDET (activity); the field is ours; number 23 is ours, as the
        layout was not read. Purpose: to make out the certificate.
    :ivar previous: The Reference of the declaration that is rectified
        or cancelled; without it, the first day tells. Source: SECUline,
        DEMDET; the field is ours; number 24 is ours, as the layout was
        not read. Purpose: to find the earlier declaration when its
        first day changes.
    :ivar reference: The sender's own reference for the record. Source:
        our own; number 25 is ours, as the layout was not read. Purpose:
        so that the sender finds the record again.
    """

    class Meta:
        namespace = "urn:secugate:1"

    kind: ActivityKind = field(
        metadata={
            "name": "Kind",
            "type": "Element",
        }
    )
    employer: str = field(
        metadata={
            "name": "Employer",
            "type": "Element",
            "pattern": r"[0-9]{13}",
        }
    )
    insured: str = field(
        metadata={
            "name": "Insured",
            "type": "Element",
            "pattern": r"[0-9]{13}",
        }
    )
    member_matricule: None | str = field(
        default=None,
        metadata={
            "name": "MemberMatricule",
            "type": "Element",
            "pattern": r"[0-9]{13}",
        },
    )
    member_number: None | str = field(
        default=None,
        metadata={
            "name": "MemberNumber",
            "type": "Element",
            "pattern": r"[0-9]{6}",
        },
    )
    procedure: ActivityProcedure = field(
        metadata={
            "name": "Procedure",
            "type": "Element",
        }
    )
    first: str = field(
        metadata={
            "name": "First",
            "type": "Element",
            "pattern": r"[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",
        }
    )
    last: str = field(
        metadata={
            "name": "Last",
            "type": "Element",
            "pattern": r"[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",
        }
    )
    residence_country: str = field(
        metadata={
            "name": "ResidenceCountry",
            "type": "Element",
            "pattern": r"[A-Z]{2}",
        }
    )
    house_number: None | str = field(
        default=None,
        metadata={
            "name": "HouseNumber",
            "type": "Element",
            "max_length": 10,
            "pattern": r"[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+( +[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+)*",
        },
    )
    street: None | str = field(
        default=None,
        metadata={
            "name": "Street",
            "type": "Element",
            "max_length": 100,
            "pattern": r"[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+( +[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+)*",
        },
    )
    postcode: None | str = field(
        default=None,
        metadata={
            "name": "Postcode",
            "type": "Element",
            "max_length": 12,
            "pattern": r"[0-9A-Z]+([ -][0-9A-Z]+)*",
        },
    )
    town: None | str = field(
        default=None,
        metadata={
            "name": "Town",
            "type": "Element",
            "max_length": 80,
            "pattern": r"[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+( +[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+)*",
        },
    )
    host_country: None | str = field(
        default=None,
        metadata={
            "name": "HostCountry",
            "type": "Element",
            "pattern": r"[A-Z]{2}",
        },
    )
    host_name: None | str = field(
        default=None,
        metadata={
            "name": "HostName",
            "type": "Element",
            "max_length": 100,
            "pattern": r"[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+( +[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+)*",
        },
    )
    host_town: None | str = field(
        default=None,
        metadata={
            "name": "HostTown",
            "type": "Element",
            "max_length": 80,
            "pattern": r"[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+( +[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+)*",
        },
    )
    countries: None | str = field(
        default=None,
        metadata={
            "name": "Countries",
            "type": "Element",
            "pattern": r"[A-Z]{2}( [A-Z]{2}){0,29}",
        },
    )
    telework: None | Truth = field(
        default=None,
        metadata={
            "name": "Telework",
            "type": "Element",
        },
    )
    telework_share: None | str = field(
        default=None,
        metadata={
            "name": "TeleworkShare",
            "type": "Element",
            "pattern": r"(0|[1-9][0-9]?)\.[0-9]{2}|100\.00",
        },
    )
    employer_seat: None | str = field(
        default=None,
        metadata={
            "name": "EmployerSeat",
            "type": "Element",
            "pattern": r"[A-Z]{2}",
        },
    )
    imo: None | str = field(
        default=None,
        metadata={
            "name": "Imo",
            "type": "Element",
            "pattern": r"[0-9]{7}",
        },
    )
    occupation: None | str = field(
        default=None,
        metadata={
            "name": "Occupation",
            "type": "Element",
            "max_length": 100,
            "pattern": r"[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+( +[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+)*",
        },
    )
    previous: None | str = field(
        default=None,
        metadata={
            "name": "Previous",
            "type": "Element",
            "max_length": 40,
            "pattern": r"[ -:<-~]+",
        },
    )
    reference: None | str = field(
        default=None,
        metadata={
            "name": "Reference",
            "type": "Element",
            "max_length": 40,
            "pattern": r"[ -:<-~]+",
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Affiliation:
    """
    One entry, exit, change or cancellation of the affiliation of an
    insured with an employer.

    Source: SECUline, DECAFF and AFFRET; CSS art. 425. Purpose: to keep the
    register of affiliations.

    :ivar kind: What the record asks for. Source: SECUline, DECAFF;
        number 2 is ours, as the layout is not public. Purpose: to
        begin, end, change or strike an affiliation.
    :ivar employer: The employer. Unit: 13 digits. Source: SECUline,
        AFFRET 2; number 3 is ours, as the layout is not public.
        Purpose: to whom the affiliation belongs; the sender needs a
        mandate for it.
    :ivar insured: The insured person. Unit: 13 digits. Source:
        SECUline, AFFRET 1; number 4 is ours, as the layout is not
        public. Purpose: whose affiliation it is.
    :ivar country: Country in which the insured lives. Unit: ISO 3166-1
        alpha-2. Source: SECUline, AFFRET 3; number 5 is ours, as the
        layout is not public. Purpose: to reach the insured, and to find
        the competent institution of a cross-border worker.
    :ivar postcode: Postcode of the insured's address. Source: SECUline,
        AFFRET 4; number 6 is ours, as the layout is not public.
        Purpose: to reach the insured.
    :ivar town: Town of the insured's address. Source: SECUline, AFFRET
        5; number 7 is ours, as the layout is not public. Purpose: to
        reach the insured.
    :ivar occupation: The insured's activity, in plain words and
        precise. Source: SECUline, AFFRET 6; number 8 is ours, as the
        layout is not public. Purpose: to find the right scheme and
        insured risks.
    :ivar occupation_code: The occupation in ISCO-08. Unit: 4 digits.
        Source: SECUline, AFFRET 7; number 9 is ours, as the layout is
        not public. Purpose: statistics of occupations and accidents.
    :ivar scheme: Insurance scheme (régime) of the insured. Unit: 2
        digits. Source: SECUline, AFFRET 8; number 10 is ours, as the
        layout is not public. Purpose: decides which risks are insured
        and charged.
    :ivar weekly_hours: Contractual hours of work a week. Unit: hours,
        two decimals. Source: SECUline, AFFRET 9; number 11 is ours, as
        the layout is not public. Purpose: to recognise part time.
    :ivar contract_type: Type of the contract. Unit: letter. Source:
        SECUline, AFFRET 10; number 12 is ours, as the layout is not
        public. Purpose: decides whether an exit date is needed (AFFRET
        18) or forbidden (AFFRET 25) and a trial period allowed (AFFRET
        26).
    :ivar entry: First day of the affiliation. Unit: day. Source:
        SECUline, AFFRET 11; number 13 is ours, as the layout is not
        public. Purpose: the insurance begins on it; the 8 days of CSS
        art. 425 are counted from it.
    :ivar exit: Last day of the affiliation. Unit: day. Source:
        SECUline, AFFRET 12; number 14 is ours, as the layout is not
        public. Purpose: the insurance ends with it.
    :ivar trial_end: Last day of the trial period. Unit: day. Source:
        SECUline, AFFRET 14; number 15 is ours, as the layout is not
        public. Purpose: the mutual insurance of employers refunds 100 %
        during the trial.
    :ivar workplace_country: Country of the workplace. Unit: ISO 3166-1
        alpha-2. Source: SECUline, AFFRET 19; number 16 is ours, as the
        layout is not public. Purpose: to know whether Luxembourg law
        applies.
    :ivar workplace_postcode: Postcode of the workplace. Source:
        SECUline, AFFRET 20; number 17 is ours, as the layout is not
        public. Purpose: to locate the workplace.
    :ivar workplace_town: Town of the workplace. Source: SECUline,
        AFFRET 21; number 18 is ours, as the layout is not public.
        Purpose: to locate the workplace.
    :ivar share: Share of the company that the insured holds. Unit: per
        cent, two decimals. Source: SECUline, AFFRET 22; number 19 is
        ours, as the layout is not public. Purpose: partners above 25 %
        may be insured as self-employed.
    :ivar exit_reason: Reason of the exit. Unit: code. Source: SECUline,
        AFFRET 27; number 20 is ours, as the layout is not public.
        Purpose: rights that depend on how the contract ended.
    :ivar previous_entry: First day as declared before, in a change or
        cancellation. Unit: day. Source: SECUline, AFFRET 23; number 21
        is ours, as the layout is not public. Purpose: to find the
        affiliation that is corrected.
    :ivar previous_exit: Last day as declared before, in a change or
        cancellation. Unit: day. Source: SECUline, AFFRET 24; number 22
        is ours, as the layout is not public. Purpose: to find the
        affiliation that is corrected.
    :ivar scheme_control: Control field that must agree with the scheme.
        Unit: 2 digits. Source: SECUline, AFFRET 29, which names this
        field 29. Purpose: to notice a mistyped scheme.
    :ivar reference: The sender's own reference for the record. Source:
        our own; number 30 is ours, as the layout is not public.
        Purpose: so that the sender finds the record again.
    """

    class Meta:
        namespace = "urn:secugate:1"

    kind: Kind = field(
        metadata={
            "name": "Kind",
            "type": "Element",
        }
    )
    employer: str = field(
        metadata={
            "name": "Employer",
            "type": "Element",
            "pattern": r"[0-9]{13}",
        }
    )
    insured: str = field(
        metadata={
            "name": "Insured",
            "type": "Element",
            "pattern": r"[0-9]{13}",
        }
    )
    country: None | str = field(
        default=None,
        metadata={
            "name": "Country",
            "type": "Element",
            "pattern": r"[A-Z]{2}",
        },
    )
    postcode: None | str = field(
        default=None,
        metadata={
            "name": "Postcode",
            "type": "Element",
            "max_length": 12,
            "pattern": r"[0-9A-Z]+([ -][0-9A-Z]+)*",
        },
    )
    town: None | str = field(
        default=None,
        metadata={
            "name": "Town",
            "type": "Element",
            "max_length": 80,
            "pattern": r"[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+( +[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+)*",
        },
    )
    occupation: None | str = field(
        default=None,
        metadata={
            "name": "Occupation",
            "type": "Element",
            "max_length": 100,
            "pattern": r"[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+( +[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+)*",
        },
    )
    occupation_code: None | str = field(
        default=None,
        metadata={
            "name": "OccupationCode",
            "type": "Element",
            "pattern": r"[0-9]{4}",
        },
    )
    scheme: None | str = field(
        default=None,
        metadata={
            "name": "Scheme",
            "type": "Element",
            "pattern": r"[0-9]{2}",
        },
    )
    weekly_hours: None | str = field(
        default=None,
        metadata={
            "name": "WeeklyHours",
            "type": "Element",
            "pattern": r"(0|[1-9][0-9]?)\.[0-9]{2}",
        },
    )
    contract_type: None | str = field(
        default=None,
        metadata={
            "name": "ContractType",
            "type": "Element",
            "pattern": r"[A-Z]",
        },
    )
    entry: None | str = field(
        default=None,
        metadata={
            "name": "Entry",
            "type": "Element",
            "pattern": r"[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",
        },
    )
    exit: None | str = field(
        default=None,
        metadata={
            "name": "Exit",
            "type": "Element",
            "pattern": r"[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",
        },
    )
    trial_end: None | str = field(
        default=None,
        metadata={
            "name": "TrialEnd",
            "type": "Element",
            "pattern": r"[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",
        },
    )
    workplace_country: None | str = field(
        default=None,
        metadata={
            "name": "WorkplaceCountry",
            "type": "Element",
            "pattern": r"[A-Z]{2}",
        },
    )
    workplace_postcode: None | str = field(
        default=None,
        metadata={
            "name": "WorkplacePostcode",
            "type": "Element",
            "max_length": 12,
            "pattern": r"[0-9A-Z]+([ -][0-9A-Z]+)*",
        },
    )
    workplace_town: None | str = field(
        default=None,
        metadata={
            "name": "WorkplaceTown",
            "type": "Element",
            "max_length": 80,
            "pattern": r"[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+( +[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+)*",
        },
    )
    share: None | str = field(
        default=None,
        metadata={
            "name": "Share",
            "type": "Element",
            "pattern": r"(0|[1-9][0-9]?)\.[0-9]{2}|100\.00",
        },
    )
    exit_reason: None | str = field(
        default=None,
        metadata={
            "name": "ExitReason",
            "type": "Element",
            "pattern": r"[0-9]{1,2}",
        },
    )
    previous_entry: None | str = field(
        default=None,
        metadata={
            "name": "PreviousEntry",
            "type": "Element",
            "pattern": r"[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",
        },
    )
    previous_exit: None | str = field(
        default=None,
        metadata={
            "name": "PreviousExit",
            "type": "Element",
            "pattern": r"[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",
        },
    )
    scheme_control: None | str = field(
        default=None,
        metadata={
            "name": "SchemeControl",
            "type": "Element",
            "pattern": r"[0-9]{2}",
        },
    )
    reference: None | str = field(
        default=None,
        metadata={
            "name": "Reference",
            "type": "Element",
            "max_length": 40,
            "pattern": r"[ -:<-~]+",
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerHeaderType:
    """
    The head of an answer.

    Source: our own.

    :ivar sender: The office that answers: CCSS. Source: SECUline file-
        name rule for XML. Purpose: to identify the sender of the
        answer.
    :ivar recipient: The member the answer is for. Source: SECUline:
        returns go to the member who sent. Purpose: so that an answer
        cannot be taken for another member's.
    :ivar environment: The environment that the answer comes from.
        Source: our own. Purpose: so that the answer of a test is never
        taken for a real one.
    :ivar created: When the answer was written. Unit: UTC, to the
        second. Source: our own. Purpose: to date the answer.
    :ivar deposit: The deposit that is answered; absent when nothing was
        asked, as with an invoice. Source: RGD 12 May 1975, art. 20.
        Purpose: so that the sender finds its batch and can prove what
        was received.
    """

    sender: str = field(
        metadata={
            "name": "Sender",
            "type": "Element",
            "namespace": "urn:secugate:1",
            "pattern": r"[A-Z]{2,10}",
        }
    )
    recipient: Member = field(
        metadata={
            "name": "Recipient",
            "type": "Element",
            "namespace": "urn:secugate:1",
        }
    )
    environment: Environment = field(
        metadata={
            "name": "Environment",
            "type": "Element",
            "namespace": "urn:secugate:1",
        }
    )
    created: str = field(
        metadata={
            "name": "Created",
            "type": "Element",
            "namespace": "urn:secugate:1",
            "pattern": r"[12][0-9]{3}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z|([12][0-9](0[48]|[2468][048]|[13579][26])|(12|16|20|24|28)00)-02-29T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z",
        }
    )
    deposit: None | DepositType = field(
        default=None,
        metadata={
            "name": "Deposit",
            "type": "Element",
            "namespace": "urn:secugate:1",
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """
    One certificate asked for.

    Source: our own, as no layout is public. Purpose: to be answered from
    what is stored.

    :ivar kind: Whether affiliation alone is certified, or the declared
        income as well. Source: our own, as no layout is public; number
        2 is ours. Purpose: to know what is asked for.
    :ivar employer: The employer through whom the person is or was
        insured. Unit: 13 digits. Source: our own, as no layout is
        public; number 3 is ours. Purpose: nothing else is certified;
        the sender needs a mandate for it.
    :ivar insured: The person insured. Unit: 13 digits. Source: our own,
        as no layout is public; number 4 is ours. Purpose: to know whose
        certificate it is.
    :ivar first: First month asked for. Unit: YYYY-MM, inclusive.
        Source: our own, as no layout is public; number 5 is ours.
        Purpose: to limit the certificate.
    :ivar last: Last month asked for, not after that of receipt. Unit:
        YYYY-MM, inclusive. Source: our own, as no layout is public;
        number 6 is ours. Purpose: to limit the certificate.
    :ivar reference: The sender's own reference for the record. Source:
        our own, as no layout is public; number 7 is ours. Purpose: so
        that the sender finds the record again.
    """

    class Meta:
        namespace = "urn:secugate:1"

    kind: CertificateKind = field(
        metadata={
            "name": "Kind",
            "type": "Element",
        }
    )
    employer: str = field(
        metadata={
            "name": "Employer",
            "type": "Element",
            "pattern": r"[0-9]{13}",
        }
    )
    insured: str = field(
        metadata={
            "name": "Insured",
            "type": "Element",
            "pattern": r"[0-9]{13}",
        }
    )
    first: str = field(
        metadata={
            "name": "First",
            "type": "Element",
            "pattern": r"[12][0-9]{3}-(0[1-9]|1[0-2])",
        }
    )
    last: str = field(
        metadata={
            "name": "Last",
            "type": "Element",
            "pattern": r"[12][0-9]{3}-(0[1-9]|1[0-2])",
        }
    )
    reference: None | str = field(
        default=None,
        metadata={
            "name": "Reference",
            "type": "Element",
            "max_length": 40,
            "pattern": r"[ -:<-~]+",
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderType:
    """
    The head of a batch: who sends what to whom, for which environment.

    Source: type-0 record (identifiant support) of the SECUline layouts;
    our own.

    :ivar sender: The member who sends the batch. Source: type-0 record
        (identifiant support) of the SECUline layouts. Purpose: to be
        compared with the signer and with the file name, so that nobody
        can pass for another member.
    :ivar recipient: The office the batch is meant for: CCSS. Source:
        SECUline file-name rule for XML. Purpose: so that a batch signed
        for one recipient has no effect at another.
    :ivar environment: Whether the batch is meant to take effect or is a
        test. Source: our own. Purpose: so that a test batch never has
        an effect, nor is a real one lost in a test.
    :ivar created: When the sender made the batch, by the sender's
        clock. Unit: UTC, to the second. Source: our own. Purpose: to
        tell the sender's versions apart; no deadline rests on it.
    :ivar software: Name and version of the program that made the batch.
        Source: our own. Purpose: so that faults can be reported to its
        maker.
    :ivar reference: The sender's own reference for the batch. Source:
        our own. Purpose: so that the sender can match the answer.
    """

    sender: Member = field(
        metadata={
            "name": "Sender",
            "type": "Element",
            "namespace": "urn:secugate:1",
        }
    )
    recipient: str = field(
        metadata={
            "name": "Recipient",
            "type": "Element",
            "namespace": "urn:secugate:1",
            "pattern": r"[A-Z]{2,10}",
        }
    )
    environment: Environment = field(
        metadata={
            "name": "Environment",
            "type": "Element",
            "namespace": "urn:secugate:1",
        }
    )
    created: str = field(
        metadata={
            "name": "Created",
            "type": "Element",
            "namespace": "urn:secugate:1",
            "pattern": r"[12][0-9]{3}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z|([12][0-9](0[48]|[2468][048]|[13579][26])|(12|16|20|24|28)00)-02-29T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z",
        }
    )
    software: None | str = field(
        default=None,
        metadata={
            "name": "Software",
            "type": "Element",
            "namespace": "urn:secugate:1",
            "max_length": 60,
            "pattern": r"[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+( +[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+)*",
        },
    )
    reference: None | str = field(
        default=None,
        metadata={
            "name": "Reference",
            "type": "Element",
            "namespace": "urn:secugate:1",
            "max_length": 40,
            "pattern": r"[ -:<-~]+",
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Incapacity:
    """
    An incapacity of one insured with one employer in one month, or the
    cancellation of all those declared for that month.

    Only what both kinds state is required here; the rest is judged by
    rule. Source: DECMAL record layout (known at second hand). Purpose: to
    know days and hours not worked that the employer pays.

    :ivar kind: What the record does: declaration states an incapacity;
        cancellation wipes all that were stated for this employer,
        insured and month, so that they can be declared anew. Source:
        DECMAL record layout (known at second hand), field 1 (record
        type): 1 is declaration, 2 cancellation. Purpose: to correct by
        cancelling and declaring anew, as the operator asks.
    :ivar employer: The employer who continues to pay the insured. Unit:
        13 digits. Source: DECMAL record layout (known at second hand),
        field 2. Purpose: to find the affiliation and the employer to be
        reimbursed; the sender needs a mandate for it.
    :ivar insured: The insured who cannot work. Unit: 13 digits. Source:
        DECMAL record layout (known at second hand), field 3. Purpose:
        to find the affiliation and the wage of this person.
    :ivar period: The month of the incapacity (période de référence).
        One that lasts longer is declared month by month. Unit: month.
        Source: DECMAL record layout (known at second hand), field 4.
        Purpose: to lay the hours beside those of the wage of that
        month.
    :ivar incapacity_type: The type of the incapacity. What the digits
        mean is not published; 1 to 5 are in use. Stated in a
        declaration, left out in a cancellation. Source: DECMAL record
        layout (known at second hand), field 5. Purpose: decides what
        the mutual insurance of employers refunds.
    :ivar start: First day of the incapacity within the month,
        inclusive. Stated in a declaration, left out in a cancellation.
        Unit: day. Source: DECMAL record layout (known at second hand),
        field 6; MALRET 16. Purpose: to judge the affiliation and the
        hours by the days.
    :ivar end: Last day of the incapacity within the month, inclusive.
        Stated in a declaration, left out in a cancellation. Unit: day.
        Source: DECMAL record layout (known at second hand), field 7;
        MALRET 16. Purpose: to judge the affiliation and the hours by
        the days.
    :ivar hours: Hours that would have been worked on these days, with
        those due on public holidays. Stated in a declaration, left out
        in a cancellation. Unit: whole hours. Source: DECMAL record
        layout (known at second hand), field 8; MALRET 10 and 14.
        Purpose: to reimburse the employer for them; never more than the
        hours of the wage of that month.
    """

    class Meta:
        namespace = "urn:secugate:1"

    kind: IncapacityKind = field(
        metadata={
            "name": "Kind",
            "type": "Element",
        }
    )
    employer: str = field(
        metadata={
            "name": "Employer",
            "type": "Element",
            "pattern": r"[0-9]{13}",
        }
    )
    insured: str = field(
        metadata={
            "name": "Insured",
            "type": "Element",
            "pattern": r"[0-9]{13}",
        }
    )
    period: str = field(
        metadata={
            "name": "Period",
            "type": "Element",
            "pattern": r"[12][0-9]{3}-(0[1-9]|1[0-2])",
        }
    )
    incapacity_type: None | str = field(
        default=None,
        metadata={
            "name": "IncapacityType",
            "type": "Element",
            "pattern": r"[0-9]",
        },
    )
    start: None | str = field(
        default=None,
        metadata={
            "name": "Start",
            "type": "Element",
            "pattern": r"[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",
        },
    )
    end: None | str = field(
        default=None,
        metadata={
            "name": "End",
            "type": "Element",
            "pattern": r"[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",
        },
    )
    hours: None | str = field(
        default=None,
        metadata={
            "name": "Hours",
            "type": "Element",
            "pattern": r"0|[1-9][0-9]{0,2}",
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class InsuredHeaderType:
    """
    The head of what is written to an insured, who is no member.

    Source: our own.

    :ivar sender: The office that writes: CCSS. Source: SECUline file-
        name rule for XML. Purpose: to identify the sender.
    :ivar insured: The person the document is for. Unit: 13 digits.
        Source: RGD 28 November 2013, art. 1. Purpose: so that nobody
        else gets it.
    :ivar environment: The environment that the document comes from.
        Source: our own. Purpose: so that what a test writes is never
        taken for a real one.
    :ivar created: When the document was written. Unit: UTC, to the
        second. Source: our own. Purpose: to date the document.
    """

    sender: str = field(
        metadata={
            "name": "Sender",
            "type": "Element",
            "namespace": "urn:secugate:1",
            "pattern": r"[A-Z]{2,10}",
        }
    )
    insured: str = field(
        metadata={
            "name": "Insured",
            "type": "Element",
            "namespace": "urn:secugate:1",
            "pattern": r"[0-9]{13}",
        }
    )
    environment: Environment = field(
        metadata={
            "name": "Environment",
            "type": "Element",
            "namespace": "urn:secugate:1",
        }
    )
    created: str = field(
        metadata={
            "name": "Created",
            "type": "Element",
            "namespace": "urn:secugate:1",
            "pattern": r"[12][0-9]{3}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z|([12][0-9](0[48]|[2468][048]|[13579][26])|(12|16|20|24|28)00)-02-29T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z",
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandate:
    """
    One mandate to be entered or changed.

    Source: our own, as no layout is public. Purpose: to be entered into
    the register of mandates.

    :ivar kind: What is to become of a mandate. Source: our own, as no
        layout is public; number 2 is ours. Purpose: to judge and treat
        the record.
    :ivar employer: The employer for whom somebody acts or is to act.
        Unit: 13 digits. Source: our own, as no layout is public; number
        3 is ours. Purpose: to know for whom; grant and confirm are its
        own to send.
    :ivar member: The member who acts or is to act: required in a grant,
        the sender's own in a request, where it may be left out, and
        only compared in the others. Unit: 13 digits of matricule and 6
        digits of SECUline number. Source: our own, as no layout is
        public; number 4 is ours. Purpose: to know to whom the mandate
        is given.
    :ivar procedures: What the mandate is for: required in a request and
        a grant, left out otherwise. Source: our own, as no layout is
        public; number 5 is ours. Purpose: a mandate holds for its
        procedures only; CALCUL is the right to the invoices.
    :ivar first: First day of the mandate, the day of receipt without
        it; only in a request or a grant. Unit: YYYY-MM-DD, inclusive.
        Source: our own, as no layout is public; number 6 is ours.
        Purpose: to hand over on a given day.
    :ivar last: Last day of the mandate, open without it; in an end the
        last day on which it still holds, at once without it. Left out
        in a confirmation. Unit: YYYY-MM-DD, inclusive. Source: our own,
        as no layout is public; number 7 is ours. Purpose: to hand over
        on a given day.
    :ivar number: Number of the mandate, as MANASS gave it: required in
        a confirmation and an end, left out otherwise. Source: our own,
        as no layout is public; number 8 is ours. Purpose: to know which
        mandate.
    :ivar reference: The sender's own reference for the record. Source:
        our own, as no layout is public; number 9 is ours. Purpose: so
        that the sender finds the record again.
    """

    class Meta:
        namespace = "urn:secugate:1"

    kind: MandateKind = field(
        metadata={
            "name": "Kind",
            "type": "Element",
        }
    )
    employer: str = field(
        metadata={
            "name": "Employer",
            "type": "Element",
            "pattern": r"[0-9]{13}",
        }
    )
    member: None | str = field(
        default=None,
        metadata={
            "name": "Member",
            "type": "Element",
            "pattern": r"[0-9]{19}",
        },
    )
    procedures: None | str = field(
        default=None,
        metadata={
            "name": "Procedures",
            "type": "Element",
            "max_length": 200,
            "pattern": r"[A-Z]{6}( [A-Z]{6})*",
        },
    )
    first: None | str = field(
        default=None,
        metadata={
            "name": "First",
            "type": "Element",
            "pattern": r"[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",
        },
    )
    last: None | str = field(
        default=None,
        metadata={
            "name": "Last",
            "type": "Element",
            "pattern": r"[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",
        },
    )
    number: None | str = field(
        default=None,
        metadata={
            "name": "Number",
            "type": "Element",
            "pattern": r"[1-9][0-9]{0,17}",
        },
    )
    reference: None | str = field(
        default=None,
        metadata={
            "name": "Reference",
            "type": "Element",
            "max_length": 40,
            "pattern": r"[ -:<-~]+",
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mission:
    """
    One mission, its entry or its exit, a change or a cancellation.

    Those of a worker stand in the order of time. Source: SECUline, DECINT
    and INTRET; CSS art. 425. Purpose: to keep the registers of missions
    and of affiliations.

    :ivar kind: What the record asks for. Source: SECUline, DECINT;
        number 2 is ours, as the layout is not public. Purpose: to
        declare, open, end, change or strike a mission.
    :ivar employer: The temporary-work agency. Unit: 13 digits. Source:
        SECUline, INTRET 2; number 3 is ours, as the layout is not
        public. Purpose: who lends the worker; the sender needs a
        mandate for it.
    :ivar insured: The temporary worker. Unit: 13 digits. Source:
        SECUline, INTRET 1; number 4 is ours, as the layout is not
        public. Purpose: who is insured.
    :ivar user: The user company (entreprise utilisatrice): its
        employer's number in Luxembourg, or the number that MATUTI gave
        it. Every kind of record states it. Unit: 13 digits. Source:
        SECUline, INTRET 3; number 5 is ours, as the layout is not
        public. Purpose: to whom the worker is lent.
    :ivar country: Country in which the insured lives. Unit: ISO 3166-1
        alpha-2. Source: SECUline, INTRET 16; number 6 is ours, as the
        layout is not public. Purpose: to reach the insured, and to find
        the competent institution of a cross-border worker.
    :ivar postcode: Postcode of the insured's address, without the
        country's code or letter. Source: SECUline, INTRET 17 and 22;
        number 7 is ours, as the layout is not public. Purpose: to reach
        the insured.
    :ivar town: Town of the insured's address. Source: SECUline, INTRET
        18; number 8 is ours, as the layout is not public. Purpose: to
        reach the insured.
    :ivar occupation: The insured's activity at the user company, in
        plain words and precise. Source: SECUline, INTRET 15; number 9
        is ours, as the layout is not public. Purpose: to find the right
        scheme and insured risks.
    :ivar occupation_code: The occupation in ISCO-08. Unit: 4 digits.
        Source: SECUline, INTRET 6; number 10 is ours, as the layout is
        not public. Purpose: statistics of occupations and accidents.
    :ivar manual: Whether the activity is a manual one; declared since
        August 2011. Source: SECUline, instructions to temporary-work
        agencies of 2011; number 11 is ours, as the layout is not
        public. Purpose: to tell manual work from other work.
    :ivar scheme: Insurance scheme (régime) of the insured. Unit: 2
        digits. Source: SECUline, INTRET 7; number 12 is ours, as the
        layout is not public. Purpose: decides which risks are insured
        and charged.
    :ivar weekly_hours: Contractual hours of work a week. Unit: hours,
        two decimals. Source: SECUline, INTRET 9; number 13 is ours, as
        the layout is not public. Purpose: to recognise part time.
    :ivar contract_type: Type of the contract. Unit: letter. Source:
        SECUline, INTRET 19 and 20; number 14 is ours, as the layout is
        not public. Purpose: to tell pupils and students from others.
    :ivar entry: First day of the mission. Unit: day. Source: SECUline,
        INTRET 4; number 15 is ours, as the layout is not public.
        Purpose: the insurance begins on it; the 8 days of CSS art. 425
        are counted from it.
    :ivar exit: Last day of the mission. Unit: day. Source: SECUline,
        INTRET 5; number 16 is ours, as the layout is not public.
        Purpose: the insurance ends with it.
    :ivar workplace_country: Country of the workplace. Unit: ISO 3166-1
        alpha-2. Source: SECUline, INTRET 8 and 12; number 17 is ours,
        as the layout is not public. Purpose: to know whether Luxembourg
        law applies.
    :ivar workplace_postcode: Postcode of the workplace, without the
        country's code or letter. Source: SECUline, INTRET 8 and 22;
        number 18 is ours, as the layout is not public. Purpose: to
        locate the workplace.
    :ivar workplace_town: Town of the workplace. Source: SECUline,
        INTRET 8; number 19 is ours, as the layout is not public.
        Purpose: to locate the workplace.
    :ivar posting: Country to which the worker is posted, with an A1
        certificate asked for; left out when not posted. Unit: ISO
        3166-1 alpha-2. Source: SECUline, DECINT carries the posting of
        temporary workers; number 20 is ours, as the layout is not
        public. Purpose: to certify which law applies during the
        posting.
    :ivar previous_entry: First day as declared before, in a change or
        cancellation. Unit: day. Source: SECUline, INTRET 10 and 13;
        number 21 is ours, as the layout is not public. Purpose: to find
        the mission that is corrected.
    :ivar previous_exit: Last day as declared before, in a change or
        cancellation; left out while the mission is open. Unit: day.
        Source: SECUline, INTRET 10 and 14; number 22 is ours, as the
        layout is not public. Purpose: to find the mission that is
        corrected.
    :ivar reference: The sender's own reference for the record. Source:
        our own; number 23 is ours, as the layout is not public.
        Purpose: so that the sender finds the record again.
    """

    class Meta:
        namespace = "urn:secugate:1"

    kind: MissionKind = field(
        metadata={
            "name": "Kind",
            "type": "Element",
        }
    )
    employer: str = field(
        metadata={
            "name": "Employer",
            "type": "Element",
            "pattern": r"[0-9]{13}",
        }
    )
    insured: str = field(
        metadata={
            "name": "Insured",
            "type": "Element",
            "pattern": r"[0-9]{13}",
        }
    )
    user: None | str = field(
        default=None,
        metadata={
            "name": "User",
            "type": "Element",
            "pattern": r"[0-9]{13}",
        },
    )
    country: None | str = field(
        default=None,
        metadata={
            "name": "Country",
            "type": "Element",
            "pattern": r"[A-Z]{2}",
        },
    )
    postcode: None | str = field(
        default=None,
        metadata={
            "name": "Postcode",
            "type": "Element",
            "max_length": 12,
            "pattern": r"[0-9A-Z]+([ -][0-9A-Z]+)*",
        },
    )
    town: None | str = field(
        default=None,
        metadata={
            "name": "Town",
            "type": "Element",
            "max_length": 80,
            "pattern": r"[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+( +[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+)*",
        },
    )
    occupation: None | str = field(
        default=None,
        metadata={
            "name": "Occupation",
            "type": "Element",
            "max_length": 100,
            "pattern": r"[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+( +[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+)*",
        },
    )
    occupation_code: None | str = field(
        default=None,
        metadata={
            "name": "OccupationCode",
            "type": "Element",
            "pattern": r"[0-9]{4}",
        },
    )
    manual: None | Truth = field(
        default=None,
        metadata={
            "name": "Manual",
            "type": "Element",
        },
    )
    scheme: None | str = field(
        default=None,
        metadata={
            "name": "Scheme",
            "type": "Element",
            "pattern": r"[0-9]{2}",
        },
    )
    weekly_hours: None | str = field(
        default=None,
        metadata={
            "name": "WeeklyHours",
            "type": "Element",
            "pattern": r"(0|[1-9][0-9]?)\.[0-9]{2}",
        },
    )
    contract_type: None | str = field(
        default=None,
        metadata={
            "name": "ContractType",
            "type": "Element",
            "pattern": r"[A-Z]",
        },
    )
    entry: None | str = field(
        default=None,
        metadata={
            "name": "Entry",
            "type": "Element",
            "pattern": r"[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",
        },
    )
    exit: None | str = field(
        default=None,
        metadata={
            "name": "Exit",
            "type": "Element",
            "pattern": r"[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",
        },
    )
    workplace_country: None | str = field(
        default=None,
        metadata={
            "name": "WorkplaceCountry",
            "type": "Element",
            "pattern": r"[A-Z]{2}",
        },
    )
    workplace_postcode: None | str = field(
        default=None,
        metadata={
            "name": "WorkplacePostcode",
            "type": "Element",
            "max_length": 12,
            "pattern": r"[0-9A-Z]+([ -][0-9A-Z]+)*",
        },
    )
    workplace_town: None | str = field(
        default=None,
        metadata={
            "name": "WorkplaceTown",
            "type": "Element",
            "max_length": 80,
            "pattern": r"[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+( +[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+)*",
        },
    )
    posting: None | str = field(
        default=None,
        metadata={
            "name": "Posting",
            "type": "Element",
            "pattern": r"[A-Z]{2}",
        },
    )
    previous_entry: None | str = field(
        default=None,
        metadata={
            "name": "PreviousEntry",
            "type": "Element",
            "pattern": r"[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",
        },
    )
    previous_exit: None | str = field(
        default=None,
        metadata={
            "name": "PreviousExit",
            "type": "Element",
            "pattern": r"[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",
        },
    )
    reference: None | str = field(
        default=None,
        metadata={
            "name": "Reference",
            "type": "Element",
            "max_length": 40,
            "pattern": r"[ -:<-~]+",
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """
    What an employer has computed for one insured and month: by branch, or
    in all.

    Source: our own, as no layout is public. Purpose: to be compared with
    what is charged.

    :ivar employer: The employer who pays the wage. Unit: 13 digits.
        Source: our own, as no layout is public; number 2 is ours.
        Purpose: to know whose computation it is; the sender needs a
        mandate for it.
    :ivar insured: The insured. Unit: 13 digits. Source: our own, as no
        layout is public; number 3 is ours. Purpose: to compare with
        what is charged for this person.
    :ivar period: The wage month, from 2019-01 and ended before the
        receipt. Unit: YYYY-MM. Source: our own, as no layout is public;
        number 4 is ours. Purpose: to compare with what is charged for
        this month.
    :ivar group: How the person is insured, where the month has two
        kinds of affiliation, such as a pupil's and an ordinary one;
        then each has a record. Source: our own, as no layout is public;
        number 5 is ours. Purpose: to compare each kind with its own
        result.
    :ivar care_base: Own contribution base of sickness insurance,
        benefits in kind. Unit: euro, two decimals. Source: our own, as
        no layout is public; number 6 is ours. Purpose: to find where
        the computations part.
    :ivar care_employee: Own share of the insured for sickness
        insurance, benefits in kind; absent where nothing is due. Unit:
        euro, two decimals. Source: our own, as no layout is public;
        number 7 is ours. Purpose: to compare with the share charged.
    :ivar care_employer: Own share of the employer for sickness
        insurance, benefits in kind; absent where nothing is due. Unit:
        euro, two decimals. Source: our own, as no layout is public;
        number 8 is ours. Purpose: to compare with the share charged.
    :ivar cash_base: Own contribution base of sickness insurance, cash
        benefits. Unit: euro, two decimals. Source: our own, as no
        layout is public; number 9 is ours. Purpose: to find where the
        computations part.
    :ivar cash_employee: Own share of the insured for sickness
        insurance, cash benefits; absent where nothing is due. Unit:
        euro, two decimals. Source: our own, as no layout is public;
        number 10 is ours. Purpose: to compare with the share charged.
    :ivar cash_employer: Own share of the employer for sickness
        insurance, cash benefits; absent where nothing is due. Unit:
        euro, two decimals. Source: our own, as no layout is public;
        number 11 is ours. Purpose: to compare with the share charged.
    :ivar pension_base: Own contribution base of pension insurance.
        Unit: euro, two decimals. Source: our own, as no layout is
        public; number 12 is ours. Purpose: to find where the
        computations part.
    :ivar pension_employee: Own share of the insured for pension
        insurance; absent where nothing is due. Unit: euro, two
        decimals. Source: our own, as no layout is public; number 13 is
        ours. Purpose: to compare with the share charged.
    :ivar pension_employer: Own share of the employer for pension
        insurance; absent where nothing is due. Unit: euro, two
        decimals. Source: our own, as no layout is public; number 14 is
        ours. Purpose: to compare with the share charged.
    :ivar dependency_base: Own contribution base of the dependency
        contribution. Unit: euro, two decimals. Source: our own, as no
        layout is public; number 15 is ours. Purpose: to find where the
        computations part.
    :ivar dependency_employee: Own share of the insured for the
        dependency contribution; absent where nothing is due. Unit:
        euro, two decimals. Source: our own, as no layout is public;
        number 16 is ours. Purpose: to compare with the share charged.
    :ivar accident_base: Own contribution base of accident insurance.
        Unit: euro, two decimals. Source: our own, as no layout is
        public; number 17 is ours. Purpose: to find where the
        computations part.
    :ivar accident_employer: Own share of the employer for accident
        insurance; absent where nothing is due. Unit: euro, two
        decimals. Source: our own, as no layout is public; number 18 is
        ours. Purpose: to compare with the share charged.
    :ivar mutuality_base: Own contribution base of the Mutualité des
        employeurs. Unit: euro, two decimals. Source: our own, as no
        layout is public; number 19 is ours. Purpose: to find where the
        computations part.
    :ivar mutuality_employer: Own share of the employer for the
        Mutualité des employeurs; absent where nothing is due. Unit:
        euro, two decimals. Source: our own, as no layout is public;
        number 20 is ours. Purpose: to compare with the share charged.
    :ivar health_base: Own contribution base of occupational health.
        Unit: euro, two decimals. Source: our own, as no layout is
        public; number 21 is ours. Purpose: to find where the
        computations part.
    :ivar health_employer: Own share of the employer for occupational
        health; absent where nothing is due. Unit: euro, two decimals.
        Source: our own, as no layout is public; number 22 is ours.
        Purpose: to compare with the share charged.
    :ivar family_base: Own contribution base of family benefits (public
        sector). Unit: euro, two decimals. Source: our own, as no layout
        is public; number 23 is ours. Purpose: to find where the
        computations part.
    :ivar family_employer: Own share of the employer for family benefits
        (public sector); absent where nothing is due. Unit: euro, two
        decimals. Source: our own, as no layout is public; number 24 is
        ours. Purpose: to compare with the share charged.
    :ivar employee_total: All own shares of the insured. Where no branch
        is stated, the comparison is made on it alone; otherwise it may
        be left out. Unit: euro, two decimals. Source: our own, as no
        layout is public; number 25 is ours. Purpose: to compare where
        the shares of the branches are not known.
    :ivar employer_total: All own shares of the employer, in the same
        way. Unit: euro, two decimals. Source: our own, as no layout is
        public; number 26 is ours. Purpose: to compare where the shares
        of the branches are not known.
    :ivar reference: The sender's own reference for the record. Source:
        our own, as no layout is public; number 27 is ours. Purpose: so
        that the sender finds the record again.
    """

    class Meta:
        namespace = "urn:secugate:1"

    employer: str = field(
        metadata={
            "name": "Employer",
            "type": "Element",
            "pattern": r"[0-9]{13}",
        }
    )
    insured: str = field(
        metadata={
            "name": "Insured",
            "type": "Element",
            "pattern": r"[0-9]{13}",
        }
    )
    period: str = field(
        metadata={
            "name": "Period",
            "type": "Element",
            "pattern": r"[12][0-9]{3}-(0[1-9]|1[0-2])",
        }
    )
    group: None | InsuredGroup = field(
        default=None,
        metadata={
            "name": "Group",
            "type": "Element",
        },
    )
    care_base: None | str = field(
        default=None,
        metadata={
            "name": "CareBase",
            "type": "Element",
            "pattern": r"(0|[1-9][0-9]{0,8})\.[0-9]{2}",
        },
    )
    care_employee: None | str = field(
        default=None,
        metadata={
            "name": "CareEmployee",
            "type": "Element",
            "pattern": r"(0|[1-9][0-9]{0,8})\.[0-9]{2}",
        },
    )
    care_employer: None | str = field(
        default=None,
        metadata={
            "name": "CareEmployer",
            "type": "Element",
            "pattern": r"(0|[1-9][0-9]{0,8})\.[0-9]{2}",
        },
    )
    cash_base: None | str = field(
        default=None,
        metadata={
            "name": "CashBase",
            "type": "Element",
            "pattern": r"(0|[1-9][0-9]{0,8})\.[0-9]{2}",
        },
    )
    cash_employee: None | str = field(
        default=None,
        metadata={
            "name": "CashEmployee",
            "type": "Element",
            "pattern": r"(0|[1-9][0-9]{0,8})\.[0-9]{2}",
        },
    )
    cash_employer: None | str = field(
        default=None,
        metadata={
            "name": "CashEmployer",
            "type": "Element",
            "pattern": r"(0|[1-9][0-9]{0,8})\.[0-9]{2}",
        },
    )
    pension_base: None | str = field(
        default=None,
        metadata={
            "name": "PensionBase",
            "type": "Element",
            "pattern": r"(0|[1-9][0-9]{0,8})\.[0-9]{2}",
        },
    )
    pension_employee: None | str = field(
        default=None,
        metadata={
            "name": "PensionEmployee",
            "type": "Element",
            "pattern": r"(0|[1-9][0-9]{0,8})\.[0-9]{2}",
        },
    )
    pension_employer: None | str = field(
        default=None,
        metadata={
            "name": "PensionEmployer",
            "type": "Element",
            "pattern": r"(0|[1-9][0-9]{0,8})\.[0-9]{2}",
        },
    )
    dependency_base: None | str = field(
        default=None,
        metadata={
            "name": "DependencyBase",
            "type": "Element",
            "pattern": r"(0|[1-9][0-9]{0,8})\.[0-9]{2}",
        },
    )
    dependency_employee: None | str = field(
        default=None,
        metadata={
            "name": "DependencyEmployee",
            "type": "Element",
            "pattern": r"(0|[1-9][0-9]{0,8})\.[0-9]{2}",
        },
    )
    accident_base: None | str = field(
        default=None,
        metadata={
            "name": "AccidentBase",
            "type": "Element",
            "pattern": r"(0|[1-9][0-9]{0,8})\.[0-9]{2}",
        },
    )
    accident_employer: None | str = field(
        default=None,
        metadata={
            "name": "AccidentEmployer",
            "type": "Element",
            "pattern": r"(0|[1-9][0-9]{0,8})\.[0-9]{2}",
        },
    )
    mutuality_base: None | str = field(
        default=None,
        metadata={
            "name": "MutualityBase",
            "type": "Element",
            "pattern": r"(0|[1-9][0-9]{0,8})\.[0-9]{2}",
        },
    )
    mutuality_employer: None | str = field(
        default=None,
        metadata={
            "name": "MutualityEmployer",
            "type": "Element",
            "pattern": r"(0|[1-9][0-9]{0,8})\.[0-9]{2}",
        },
    )
    health_base: None | str = field(
        default=None,
        metadata={
            "name": "HealthBase",
            "type": "Element",
            "pattern": r"(0|[1-9][0-9]{0,8})\.[0-9]{2}",
        },
    )
    health_employer: None | str = field(
        default=None,
        metadata={
            "name": "HealthEmployer",
            "type": "Element",
            "pattern": r"(0|[1-9][0-9]{0,8})\.[0-9]{2}",
        },
    )
    family_base: None | str = field(
        default=None,
        metadata={
            "name": "FamilyBase",
            "type": "Element",
            "pattern": r"(0|[1-9][0-9]{0,8})\.[0-9]{2}",
        },
    )
    family_employer: None | str = field(
        default=None,
        metadata={
            "name": "FamilyEmployer",
            "type": "Element",
            "pattern": r"(0|[1-9][0-9]{0,8})\.[0-9]{2}",
        },
    )
    employee_total: None | str = field(
        default=None,
        metadata={
            "name": "EmployeeTotal",
            "type": "Element",
            "pattern": r"(0|[1-9][0-9]{0,8})\.[0-9]{2}",
        },
    )
    employer_total: None | str = field(
        default=None,
        metadata={
            "name": "EmployerTotal",
            "type": "Element",
            "pattern": r"(0|[1-9][0-9]{0,8})\.[0-9]{2}",
        },
    )
    reference: None | str = field(
        default=None,
        metadata={
            "name": "Reference",
            "type": "Element",
            "max_length": 40,
            "pattern": r"[ -:<-~]+",
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """
    A text in one language.

    Source: table of rejections.

    :ivar value:
    :ivar lang: Language of the text. Source: languages of the
        administration; English for everyone else. Purpose: to choose
        the language.
    """

    value: str = field(
        default="",
        metadata={
            "min_length": 1,
            "max_length": 2000,
        },
    )
    lang: Language = field(
        metadata={
            "type": "Attribute",
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wage:
    """
    The wage of one insured with one employer in one month.

    Sent again for the same employer, insured, month and days, it replaces
    the earlier one. Source: DECSAL record layout (known at second hand);
    CSS art. 426. Purpose: to compute the contributions of that month.

    :ivar employer: The employer who pays the wage. Unit: 13 digits.
        Source: DECSAL record layout (known at second hand), field 2.
        Purpose: to charge the contributions to this employer; the
        sender needs a mandate for it.
    :ivar insured: The insured who earned the wage. Unit: 13 digits.
        Source: DECSAL record layout (known at second hand), field 3.
        Purpose: to credit the insurance of this person.
    :ivar period: The wage month (période de référence). Unit: month.
        Source: DECSAL record layout (known at second hand), field 4.
        Purpose: decides the rates, floors and ceilings.
    :ivar base_wage: Base wage (rémunération de base), gross. Unit:
        euro, two decimals (eurocents in the .dta record). Source:
        DECSAL record layout (known at second hand), field 5; CSS art.
        426. Purpose: contribution base of every branch.
    :ivar work_hours: Paid hours of work. Unit: whole hours. Source:
        DECSAL record layout (known at second hand), field 6; CSS art.
        426. Purpose: floor and dependency allowance are reduced by
        hours; SALRET 11.
    :ivar supplements: Supplements and accessories payable monthly in
        cash. Absent means 0.00. Unit: euro, two decimals (eurocents in
        the .dta record). Source: DECSAL record layout (known at second
        hand), field 7. Purpose: contribution base of every branch.
    :ivar overtime_pay: Pay for overtime, the 100 % part only, without
        surcharges. Absent means 0.00. Unit: euro, two decimals
        (eurocents in the .dta record). Source: DECSAL record layout
        (known at second hand), field 8; CSS art. 426. Purpose:
        contribution base of sickness care and dependency.
    :ivar overtime_hours: Overtime hours. Absent means 0. Unit: unsure:
        whole hours or hundredths of an hour. Source: DECSAL record
        layout (known at second hand), field 9; CSS art. 426. Purpose:
        to be declared with their pay; SALRET 8.
    :ivar gratuities: Gratuities, participations and benefits, in cash
        or in kind. Absent means 0.00. Unit: euro, two decimals
        (eurocents in the .dta record). Source: DECSAL record layout
        (known at second hand), field 10. Purpose: contribution base of
        sickness care, pension, accident, dependency and health at work.
    :ivar unemployment_pay: Unemployment pay (chômage: bad weather,
        cyclical, short time). Absent means 0.00. Unit: euro, two
        decimals (eurocents in the .dta record). Source: DECSAL record
        layout (known at second hand), field 11. Purpose: contribution
        base of sickness, pension, mutual insurance and dependency, not
        of accident.
    :ivar inactive_hours: Hours not worked for which unemployment pay is
        due. Absent means 0. Unit: whole hours. Source: DECSAL record
        layout (known at second hand), field 12. Purpose: to be declared
        with their pay; SALRET 7 and 11.
    :ivar non_pensionable: Supplement that does not count for the
        pension, civil servants only. Absent means 0.00. Unit: euro, two
        decimals (eurocents in the .dta record). Source: DECSAL record
        layout (known at second hand), field 13. Purpose: kept out of
        the pension base; SALRET 10.
    :ivar first_day: First day of the part of the month that the record
        is about. Absent means the first of the month. Unit: day of the
        month. Source: DECSAL record layout (known at second hand),
        field 14. Purpose: to tell apart two contracts of one person in
        one month.
    :ivar last_day: Last day of the part of the month that the record is
        about. Absent means the last of the month. Unit: day of the
        month. Source: DECSAL record layout (known at second hand),
        field 15. Purpose: to tell apart two contracts of one person in
        one month.
    :ivar capped: Y when the declared wage was cut at seven times the
        social minimum wage. Unit: flag. Source: DECSAL record layout
        (known at second hand), field 16. Purpose: so that a round
        amount at the cap is not taken for the whole wage; SALRET 13.
    :ivar reference: The sender's own reference for the record. Source:
        DECSAL record layout (known at second hand), field 20. Purpose:
        so that the sender finds the record again.
    """

    class Meta:
        namespace = "urn:secugate:1"

    employer: str = field(
        metadata={
            "name": "Employer",
            "type": "Element",
            "pattern": r"[0-9]{13}",
        }
    )
    insured: str = field(
        metadata={
            "name": "Insured",
            "type": "Element",
            "pattern": r"[0-9]{13}",
        }
    )
    period: str = field(
        metadata={
            "name": "Period",
            "type": "Element",
            "pattern": r"[12][0-9]{3}-(0[1-9]|1[0-2])",
        }
    )
    base_wage: str = field(
        metadata={
            "name": "BaseWage",
            "type": "Element",
            "pattern": r"(0|[1-9][0-9]{0,8})\.[0-9]{2}",
        }
    )
    work_hours: str = field(
        metadata={
            "name": "WorkHours",
            "type": "Element",
            "pattern": r"0|[1-9][0-9]{0,2}",
        }
    )
    supplements: None | str = field(
        default=None,
        metadata={
            "name": "Supplements",
            "type": "Element",
            "pattern": r"(0|[1-9][0-9]{0,8})\.[0-9]{2}",
        },
    )
    overtime_pay: None | str = field(
        default=None,
        metadata={
            "name": "OvertimePay",
            "type": "Element",
            "pattern": r"(0|[1-9][0-9]{0,8})\.[0-9]{2}",
        },
    )
    overtime_hours: None | str = field(
        default=None,
        metadata={
            "name": "OvertimeHours",
            "type": "Element",
            "pattern": r"0|[1-9][0-9]{0,4}",
        },
    )
    gratuities: None | str = field(
        default=None,
        metadata={
            "name": "Gratuities",
            "type": "Element",
            "pattern": r"(0|[1-9][0-9]{0,8})\.[0-9]{2}",
        },
    )
    unemployment_pay: None | str = field(
        default=None,
        metadata={
            "name": "UnemploymentPay",
            "type": "Element",
            "pattern": r"(0|[1-9][0-9]{0,8})\.[0-9]{2}",
        },
    )
    inactive_hours: None | str = field(
        default=None,
        metadata={
            "name": "InactiveHours",
            "type": "Element",
            "pattern": r"0|[1-9][0-9]{0,2}",
        },
    )
    non_pensionable: None | str = field(
        default=None,
        metadata={
            "name": "NonPensionable",
            "type": "Element",
            "pattern": r"(0|[1-9][0-9]{0,8})\.[0-9]{2}",
        },
    )
    first_day: None | str = field(
        default=None,
        metadata={
            "name": "FirstDay",
            "type": "Element",
            "pattern": r"0[1-9]|[12][0-9]|3[01]",
        },
    )
    last_day: None | str = field(
        default=None,
        metadata={
            "name": "LastDay",
            "type": "Element",
            "pattern": r"0[1-9]|[12][0-9]|3[01]",
        },
    )
    capped: None | Flag = field(
        default=None,
        metadata={
            "name": "Capped",
            "type": "Element",
        },
    )
    reference: None | str = field(
        default=None,
        metadata={
            "name": "Reference",
            "type": "Element",
            "max_length": 40,
            "pattern": r"[ -:<-~]+",
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Decaff:
    """
    A batch of declarations of entry and exit (déclarations d'entrée et de
    sortie).

    Source: SECUline, DECAFF; CSS art. 425. Purpose: to begin, end and
    correct the insurance of employees.

    :ivar header: Who sends the batch to whom. Source: type-0 record
        (identifiant support) of the SECUline layouts; our own. Purpose:
        to identify sender, recipient and environment.
    :ivar affiliation:
    :ivar w3_org_2000_09_xmldsig_element:
    :ivar version: Version of the DECAFF form that the document follows.
        Source: our own. Purpose: to find the form by which it is judged
        and read.
    """

    class Meta:
        name = "DECAFF"
        namespace = "urn:secugate:1"

    header: HeaderType = field(
        metadata={
            "name": "Header",
            "type": "Element",
        }
    )
    affiliation: tuple[Affiliation, ...] = field(
        default_factory=tuple,
        metadata={
            "name": "Affiliation",
            "type": "Element",
        },
    )
    w3_org_2000_09_xmldsig_element: None | object = field(
        default=None,
        metadata={
            "type": "Wildcard",
            "namespace": "http://www.w3.org/2000/09/xmldsig#",
            "process_contents": "skip",
        },
    )
    version: DecaffVersion = field(
        metadata={
            "type": "Attribute",
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Decint:
    """
    A batch of missions of temporary workers (missions d'intérim).

    Source: SECUline, DECINT; CSS art. 425. Purpose: to begin, end and
    correct the insurance of those whom an agency lends to user companies.

    :ivar header: Who sends the batch to whom. Source: type-0 record
        (identifiant support) of the SECUline layouts; our own. Purpose:
        to identify sender, recipient and environment.
    :ivar mission:
    :ivar w3_org_2000_09_xmldsig_element:
    :ivar version: Version of the DECINT form that the document follows.
        Source: our own. Purpose: to find the form by which it is judged
        and read.
    """

    class Meta:
        name = "DECINT"
        namespace = "urn:secugate:1"

    header: HeaderType = field(
        metadata={
            "name": "Header",
            "type": "Element",
        }
    )
    mission: tuple[Mission, ...] = field(
        default_factory=tuple,
        metadata={
            "name": "Mission",
            "type": "Element",
        },
    )
    w3_org_2000_09_xmldsig_element: None | object = field(
        default=None,
        metadata={
            "type": "Wildcard",
            "namespace": "http://www.w3.org/2000/09/xmldsig#",
            "process_contents": "skip",
        },
    )
    version: DecintVersion = field(
        metadata={
            "type": "Attribute",
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Decmal:
    """
    A batch of incapacity declarations (déclaration des incapacités de
    travail).

    Source: SECUline, DECMAL. Purpose: to claim, with the wages of DECSAL,
    the reimbursement of the pay continued.

    :ivar header: Who sends the batch to whom. Source: type-0 record
        (identifiant support) of the SECUline layouts; our own. Purpose:
        to identify sender, recipient and environment.
    :ivar incapacity:
    :ivar w3_org_2000_09_xmldsig_element:
    :ivar version: Version of the DECMAL form that the document follows.
        Source: our own. Purpose: to find the form by which it is judged
        and read.
    """

    class Meta:
        name = "DECMAL"
        namespace = "urn:secugate:1"

    header: HeaderType = field(
        metadata={
            "name": "Header",
            "type": "Element",
        }
    )
    incapacity: tuple[Incapacity, ...] = field(
        default_factory=tuple,
        metadata={
            "name": "Incapacity",
            "type": "Element",
        },
    )
    w3_org_2000_09_xmldsig_element: None | object = field(
        default=None,
        metadata={
            "type": "Wildcard",
            "namespace": "http://www.w3.org/2000/09/xmldsig#",
            "process_contents": "skip",
        },
    )
    version: DecmalVersion = field(
        metadata={
            "type": "Attribute",
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Decrec:
    """
    A batch of months in which no wage has changed (déclaration
    reconduite).

    Source: RGD of 12 May 1975, art. 8 (pre-filled lists); our own, as no
    layout is public. Purpose: to answer a staff list that needs no
    correction in one line.

    :ivar header: Who sends the batch to whom. Source: type-0 record
        (identifiant support) of the SECUline layouts; our own. Purpose:
        to identify sender, recipient and environment.
    :ivar unchanged:
    :ivar w3_org_2000_09_xmldsig_element:
    :ivar version: Version of the DECREC form that the document follows.
        Source: our own. Purpose: to find the form by which it is judged
        and read.
    """

    class Meta:
        name = "DECREC"
        namespace = "urn:secugate:1"

    header: HeaderType = field(
        metadata={
            "name": "Header",
            "type": "Element",
        }
    )
    unchanged: tuple[Unchanged, ...] = field(
        default_factory=tuple,
        metadata={
            "name": "Unchanged",
            "type": "Element",
        },
    )
    w3_org_2000_09_xmldsig_element: None | object = field(
        default=None,
        metadata={
            "type": "Wildcard",
            "namespace": "http://www.w3.org/2000/09/xmldsig#",
            "process_contents": "skip",
        },
    )
    version: Version = field(
        metadata={
            "type": "Attribute",
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Decsal:
    """
    A batch of wage declarations (déclaration des salaires).

    Source: SECUline, DECSAL; CSS art. 426. Purpose: to declare the bases
    from which contributions are computed.

    :ivar header: Who sends the batch to whom. Source: type-0 record
        (identifiant support) of the SECUline layouts; our own. Purpose:
        to identify sender, recipient and environment.
    :ivar wage:
    :ivar w3_org_2000_09_xmldsig_element:
    :ivar version: Version of the DECSAL form that the document follows.
        Source: our own. Purpose: to find the form by which it is judged
        and read.
    """

    class Meta:
        name = "DECSAL"
        namespace = "urn:secugate:1"

    header: HeaderType = field(
        metadata={
            "name": "Header",
            "type": "Element",
        }
    )
    wage: tuple[Wage, ...] = field(
        default_factory=tuple,
        metadata={
            "name": "Wage",
            "type": "Element",
        },
    )
    w3_org_2000_09_xmldsig_element: None | object = field(
        default=None,
        metadata={
            "type": "Wildcard",
            "namespace": "http://www.w3.org/2000/09/xmldsig#",
            "process_contents": "skip",
        },
    )
    version: DecsalVersion = field(
        metadata={
            "type": "Attribute",
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Demcer:
    """
    A batch of requests for certificates (demandes de certificats
    d'affiliation et de revenu).

    Source: CCSS, certificates on request; our own, as no layout is public.
    Purpose: to obtain for an insured person what is stored with the
    employer's declarations.

    :ivar header: Who sends the batch to whom. Source: type-0 record
        (identifiant support) of the SECUline layouts; our own. Purpose:
        to identify sender, recipient and environment.
    :ivar certificate:
    :ivar w3_org_2000_09_xmldsig_element:
    :ivar version: Version of the DEMCER form that the document follows.
        Source: our own. Purpose: to find the form by which it is judged
        and read.
    """

    class Meta:
        name = "DEMCER"
        namespace = "urn:secugate:1"

    header: HeaderType = field(
        metadata={
            "name": "Header",
            "type": "Element",
        }
    )
    certificate: tuple[Certificate, ...] = field(
        default_factory=tuple,
        metadata={
            "name": "Certificate",
            "type": "Element",
        },
    )
    w3_org_2000_09_xmldsig_element: None | object = field(
        default=None,
        metadata={
            "type": "Wildcard",
            "namespace": "http://www.w3.org/2000/09/xmldsig#",
            "process_contents": "skip",
        },
    )
    version: Version = field(
        metadata={
            "type": "Attribute",
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Demdet:
    """
    A batch of declarations of activities abroad (demandes de détachement).

    Source: SECUline, DEMDET. Purpose: to keep people who work abroad under
    Luxembourg's social security.

    :ivar header: Who sends the batch to whom. Source: type-0 record
        (identifiant support) of the SECUline layouts; our own. Purpose:
        to identify sender, recipient and environment.
    :ivar activity:
    :ivar w3_org_2000_09_xmldsig_element:
    :ivar version: Version of the DEMDET form that the document follows.
        Source: our own. Purpose: to find the form by which it is judged
        and read.
    """

    class Meta:
        name = "DEMDET"
        namespace = "urn:secugate:1"

    header: HeaderType = field(
        metadata={
            "name": "Header",
            "type": "Element",
        }
    )
    activity: tuple[Activity, ...] = field(
        default_factory=tuple,
        metadata={
            "name": "Activity",
            "type": "Element",
        },
    )
    w3_org_2000_09_xmldsig_element: None | object = field(
        default=None,
        metadata={
            "type": "Wildcard",
            "namespace": "http://www.w3.org/2000/09/xmldsig#",
            "process_contents": "skip",
        },
    )
    version: Version = field(
        metadata={
            "type": "Attribute",
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Demman:
    """
    A batch of requests, grants, confirmations and ends of mandates
    (mandats de fiduciaires et autres mandataires).

    Source: CCSS, tasks of the registration service; our own, as no layout
    is public. Purpose: so that nobody acts for an employer without its
    word, nor after it was taken back.

    :ivar header: Who sends the batch to whom. Source: type-0 record
        (identifiant support) of the SECUline layouts; our own. Purpose:
        to identify sender, recipient and environment.
    :ivar mandate:
    :ivar w3_org_2000_09_xmldsig_element:
    :ivar version: Version of the DEMMAN form that the document follows.
        Source: our own. Purpose: to find the form by which it is judged
        and read.
    """

    class Meta:
        name = "DEMMAN"
        namespace = "urn:secugate:1"

    header: HeaderType = field(
        metadata={
            "name": "Header",
            "type": "Element",
        }
    )
    mandate: tuple[Mandate, ...] = field(
        default_factory=tuple,
        metadata={
            "name": "Mandate",
            "type": "Element",
        },
    )
    w3_org_2000_09_xmldsig_element: None | object = field(
        default=None,
        metadata={
            "type": "Wildcard",
            "namespace": "http://www.w3.org/2000/09/xmldsig#",
            "process_contents": "skip",
        },
    )
    version: Version = field(
        metadata={
            "type": "Attribute",
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Demmat:
    """
    A batch of requests for a matricule (demandes de matricule).

    Source: SECUline, DEMMAT. Purpose: to obtain the numbers under which
    employees are declared.

    :ivar header: Who sends the batch to whom. Source: type-0 record
        (identifiant support) of the SECUline layouts; our own. Purpose:
        to identify sender, recipient and environment.
    :ivar person:
    :ivar w3_org_2000_09_xmldsig_element:
    :ivar version: Version of the DEMMAT form that the document follows.
        Source: our own. Purpose: to find the form by which it is judged
        and read.
    """

    class Meta:
        name = "DEMMAT"
        namespace = "urn:secugate:1"

    header: HeaderType = field(
        metadata={
            "name": "Header",
            "type": "Element",
        }
    )
    person: tuple[Person, ...] = field(
        default_factory=tuple,
        metadata={
            "name": "Person",
            "type": "Element",
        },
    )
    w3_org_2000_09_xmldsig_element: None | object = field(
        default=None,
        metadata={
            "type": "Wildcard",
            "namespace": "http://www.w3.org/2000/09/xmldsig#",
            "process_contents": "skip",
        },
    )
    version: DemmatVersion = field(
        metadata={
            "type": "Attribute",
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Demuti:
    """
    A batch of requests for the numbers of user companies (demandes de
    matricule d'entreprises utilisatrices).

    Source: SECUline, DEMUTI. Purpose: to obtain the numbers under which
    assignments to these companies are declared.

    :ivar header: Who sends the batch to whom. Source: type-0 record
        (identifiant support) of the SECUline layouts; our own. Purpose:
        to identify sender, recipient and environment.
    :ivar company:
    :ivar w3_org_2000_09_xmldsig_element:
    :ivar version: Version of the DEMUTI form that the document follows.
        Source: our own. Purpose: to find the form by which it is judged
        and read.
    """

    class Meta:
        name = "DEMUTI"
        namespace = "urn:secugate:1"

    header: HeaderType = field(
        metadata={
            "name": "Header",
            "type": "Element",
        }
    )
    company: tuple[Company, ...] = field(
        default_factory=tuple,
        metadata={
            "name": "Company",
            "type": "Element",
        },
    )
    w3_org_2000_09_xmldsig_element: None | object = field(
        default=None,
        metadata={
            "type": "Wildcard",
            "namespace": "http://www.w3.org/2000/09/xmldsig#",
            "process_contents": "skip",
        },
    )
    version: Version = field(
        metadata={
            "type": "Attribute",
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Employer:
    """
    One employer to be registered or to be renamed.

    Source: our own, as no layout is public. Purpose: to be entered into
    the register of employers.

    :ivar kind: Whether an employer is registered or gets a new name.
        Source: our own, as no layout is public; number 2 is ours.
        Purpose: to judge and treat the record.
    :ivar national_number: National number of the legal person to be
        registered; only in a registration, and required there. Unit: 11
        digits, the last one a check digit. Source: our own, as no
        layout is public; number 3 is ours. Purpose: to make the
        employer's number from it.
    :ivar employer: The employer whose name changes; only in a change of
        name, and required there. Unit: 13 digits. Source: our own, as
        no layout is public; number 4 is ours. Purpose: to know which
        employer; the sender needs a mandate for it.
    :ivar name: Name of the employer, the new one in a change of name.
        Source: our own, as no layout is public; number 5 is ours.
        Purpose: to register it, and to find an employer that is
        registered already.
    :ivar legal_form: Code of the legal form; only in a registration.
        Unit: two digits, as in positions 5 and 6 of the national
        number. Source: our own, as no layout is public; number 6 is
        ours. Purpose: to be compared with the national number.
    :ivar house_number: Number of the house in the address of the seat;
        only in a registration, with the rest of the address. Source:
        our own, as no layout is public; number 7 is ours. Purpose: to
        register the seat.
    :ivar street: Street of the seat; only in a registration, with the
        rest of the address. Source: our own, as no layout is public;
        number 8 is ours. Purpose: to register the seat.
    :ivar postcode: Postcode of the seat; only in a registration, with
        the rest of the address. Source: our own, as no layout is
        public; number 9 is ours. Purpose: to register the seat.
    :ivar town: Town of the seat; only in a registration, with the rest
        of the address. Source: our own, as no layout is public; number
        10 is ours. Purpose: to register the seat.
    :ivar country: Country of the seat; only in a registration, with the
        rest of the address. Unit: ISO 3166-1 alpha-2. Source: our own,
        as no layout is public; number 11 is ours. Purpose: to register
        the seat.
    :ivar activity: Main activity; only in a registration. Unit: NACE
        class, four digits without a full stop. Source: our own, as no
        layout is public; number 12 is ours. Purpose: for the class of
        the accident insurance and for statistics.
    :ivar started: Day of the first employment; only in a registration.
        Unit: YYYY-MM-DD. Source: our own, as no layout is public;
        number 13 is ours. Purpose: to know from which year the employer
        needs a class and a factor.
    :ivar reference: The sender's own reference for the record. Source:
        our own, as no layout is public; number 14 is ours. Purpose: so
        that the sender finds the record again.
    """

    class Meta:
        namespace = "urn:secugate:1"

    kind: EmployerKind = field(
        metadata={
            "name": "Kind",
            "type": "Element",
        }
    )
    national_number: None | str = field(
        default=None,
        metadata={
            "name": "NationalNumber",
            "type": "Element",
            "pattern": r"[0-9]{11}",
        },
    )
    employer: None | str = field(
        default=None,
        metadata={
            "name": "Employer",
            "type": "Element",
            "pattern": r"[0-9]{13}",
        },
    )
    name: str = field(
        metadata={
            "name": "Name",
            "type": "Element",
            "max_length": 100,
            "pattern": r"[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+( +[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+)*",
        }
    )
    legal_form: None | str = field(
        default=None,
        metadata={
            "name": "LegalForm",
            "type": "Element",
            "pattern": r"[0-9]{2}",
        },
    )
    house_number: None | str = field(
        default=None,
        metadata={
            "name": "HouseNumber",
            "type": "Element",
            "max_length": 10,
            "pattern": r"[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+( +[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+)*",
        },
    )
    street: None | str = field(
        default=None,
        metadata={
            "name": "Street",
            "type": "Element",
            "max_length": 100,
            "pattern": r"[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+( +[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+)*",
        },
    )
    postcode: None | str = field(
        default=None,
        metadata={
            "name": "Postcode",
            "type": "Element",
            "max_length": 12,
            "pattern": r"[0-9A-Z]+([ -][0-9A-Z]+)*",
        },
    )
    town: None | str = field(
        default=None,
        metadata={
            "name": "Town",
            "type": "Element",
            "max_length": 80,
            "pattern": r"[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+( +[!-:<-~¡-¬®-ɏḀ-ỿ‐-―‘-‟€]+)*",
        },
    )
    country: None | str = field(
        default=None,
        metadata={
            "name": "Country",
            "type": "Element",
            "pattern": r"[A-Z]{2}",
        },
    )
    activity: None | Activity = field(
        default=None,
        metadata={
            "name": "Activity",
            "type": "Element",
        },
    )
    started: None | str = field(
        default=None,
        metadata={
            "name": "Started",
            "type": "Element",
            "pattern": r"[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",
        },
    )
    reference: None | str = field(
        default=None,
        metadata={
            "name": "Reference",
            "type": "Element",
            "max_length": 40,
            "pattern": r"[ -:<-~]+",
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplanationType:
    """
    What a code means and what to do about it.

    Who uses it makes sure that no language comes twice. Source: table of
    rejections.

    :ivar text: What is wrong, in one language. Source: table of
        rejections. Purpose: so that the sender can correct it.
    :ivar remedy: What to do about it, in one language. Source: table of
        rejections. Purpose: so that the sender can correct it.
    :ivar legal_basis: The article that the refusal rests on, where one
        is known. Source: table of rejections. Purpose: so that the
        sender can check the rule.
    :ivar code: The code that is explained. Source: table of rejections.
        Purpose: to match it with the faults.
    :ivar level: How far the code reaches: file (nothing of it was
        treated), record (that record was refused) or hint (the record
        took effect or waits, and should be looked at). Source: table of
        rejections. Purpose: to tell what must be sent again from what
        may have to be corrected.
    :ivar severity: What the sender has to do about the code: blocking
        (it had no effect: correct it and send it again), to-correct (it
        took effect or waits, and something must be put right) or hint
        (it should be looked at). Source: table of rejections. Purpose:
        to sort what must be done from what may be wrong.
    :ivar official: The operator's number of the code, where it has one.
        Source: CCSS, code lists of the return files. Purpose: to match
        it with the operator's documentation.
    """

    text: tuple[Said, ...] = field(
        default_factory=tuple,
        metadata={
            "name": "Text",
            "type": "Element",
            "namespace": "urn:secugate:1",
            "min_occurs": 3,
            "max_occurs": 3,
        },
    )
    remedy: tuple[Said, ...] = field(
        default_factory=tuple,
        metadata={
            "name": "Remedy",
            "type": "Element",
            "namespace": "urn:secugate:1",
            "min_occurs": 3,
            "max_occurs": 3,
        },
    )
    legal_basis: None | str = field(
        default=None,
        metadata={
            "name": "LegalBasis",
            "type": "Element",
            "namespace": "urn:secugate:1",
            "min_length": 1,
            "max_length": 2000,
        },
    )
    code: str = field(
        metadata={
            "type": "Attribute",
            "max_length": 40,
            "pattern": r"[A-Z0-9]+(-[A-Z0-9]+)*",
        }
    )
    level: Level = field(
        metadata={
            "type": "Attribute",
        }
    )
    severity: Severity = field(
        metadata={
            "type": "Attribute",
        }
    )
    official: None | str = field(
        default=None,
        metadata={
            "type": "Attribute",
            "max_length": 40,
            "pattern": r"[A-Z0-9]+(-[A-Z0-9]+)*",
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Owncal:
    """
    A batch of own computations, to be compared with what is charged.

    Source: RGD of 12 May 1975, art. 7, par. 3 (employers authorised to
    compute contributions themselves); our own, as no layout is public.
    Purpose: to answer each amount that differs with its cause (DIFCAL).

    :ivar header: Who sends the batch to whom. Source: type-0 record
        (identifiant support) of the SECUline layouts; our own. Purpose:
        to identify sender, recipient and environment.
    :ivar own:
    :ivar w3_org_2000_09_xmldsig_element:
    :ivar version: Version of the OWNCAL form that the document follows.
        Source: our own. Purpose: to find the form by which it is judged
        and read.
    """

    class Meta:
        name = "OWNCAL"
        namespace = "urn:secugate:1"

    header: HeaderType = field(
        metadata={
            "name": "Header",
            "type": "Element",
        }
    )
    own: tuple[Own, ...] = field(
        default_factory=tuple,
        metadata={
            "name": "Own",
            "type": "Element",
        },
    )
    w3_org_2000_09_xmldsig_element: None | object = field(
        default=None,
        metadata={
            "type": "Wildcard",
            "namespace": "http://www.w3.org/2000/09/xmldsig#",
            "process_contents": "skip",
        },
    )
    version: OwncalVersion = field(
        metadata={
            "type": "Attribute",
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dememp:
    """
    A batch of registrations and changes of name (immatriculation
    d'employeur, changement de dénomination).

    Source: CCSS, tasks of the registration service; our own, as no layout
    is public. Purpose: to obtain the number under which an employer
    declares, and to keep its name right.

    :ivar header: Who sends the batch to whom. Source: type-0 record
        (identifiant support) of the SECUline layouts; our own. Purpose:
        to identify sender, recipient and environment.
    :ivar employer:
    :ivar w3_org_2000_09_xmldsig_element:
    :ivar version: Version of the DEMEMP form that the document follows.
        Source: our own. Purpose: to find the form by which it is judged
        and read.
    """

    class Meta:
        name = "DEMEMP"
        namespace = "urn:secugate:1"

    header: HeaderType = field(
        metadata={
            "name": "Header",
            "type": "Element",
        }
    )
    employer: tuple[Employer, ...] = field(
        default_factory=tuple,
        metadata={
            "name": "Employer",
            "type": "Element",
        },
    )
    w3_org_2000_09_xmldsig_element: None | object = field(
        default=None,
        metadata={
            "type": "Wildcard",
            "namespace": "http://www.w3.org/2000/09/xmldsig#",
            "process_contents": "skip",
        },
    )
    version: Version = field(
        metadata={
            "type": "Attribute",
        }
    )
