"""The smallest good document of each form, and batches with whatever a test wants in them.

All people and employers are made up: birth years of the 19th century, foundation in 2099.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from xml.sax.saxutils import escape

from lxml import etree

from xsd import NAMESPACE, Form, catalogue

DAY = date(2026, 8, 3)
EMPLOYER = "2099990001299"
INSURED = "1893120105732"

OURS = f"{{{NAMESPACE}}}"
INBOUND = (
    "DEMMAT",
    "DECAFF",
    "DECSAL",
    "DECREC",
    "DECMAL",
    "DEMUTI",
    "DECINT",
    "DEMDET",
    "DEMEMP",
    "DEMMAN",
    "DEMCER",
    "OWNCAL",
)
WHOLE = "PAYROLL"
"""The form that holds records of others."""
OUTBOUND = (
    "ACKREC",
    "ACKTRT",
    "FAIL",
    "MATASS",
    "MATRET",
    "MATUTI",
    "UTIRET",
    "EMPASS",
    "EMPRET",
    "MANASS",
    "MANRET",
    "CERTIF",
    "CERRET",
    "OWNRET",
    "DIFCAL",
    "SIMRES",
    "RECRET",
    "INTRET",
    "DETRET",
    "AFFRET",
    "SALRET",
    "MALRET",
    "CALCUL",
    "EXTCPT",
    "RECOUV",
    "SALMAN",
    "LISPER",
    "CHAPRO",
    "CHGMAT",
    "CALEND",
    "AVICLE",
    "JOUHED",
    "ANNUEL",
    "DEPMAX",
)
NOTICES = ("SALMAN", "LISPER", "CHAPRO", "CHGMAT", "CALEND")
"""What goes out and has records all the same."""

SIGNATURE = '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo/></ds:Signature>'

HEADER = (
    f"<Header><Sender><Matricule>{EMPLOYER}</Matricule><Number>100001</Number></Sender>"
    "<Recipient>CCSS</Recipient><Environment>test</Environment>"
    "<Created>2026-08-03T07:15:00Z</Created></Header>"
)
ANSWER_HEADER = (
    f"<Header><Sender>CCSS</Sender><Recipient><Matricule>{EMPLOYER}</Matricule><Number>100001</Number>"
    "</Recipient><Environment>test</Environment><Created>2026-08-03T07:15:01Z</Created></Header>"
)
DEPOSIT = (
    "<Deposit><Id>0198a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b</Id>"
    f"<Name>SECU.DECSAL.20260803-09150012.{EMPLOYER}100001.CCSS.XML</Name><Size>1024</Size>"
    f"<Digest>{'0f' * 32}</Digest><Received>2026-08-03T07:15:00.120000Z</Received></Deposit>"
)
ACKNOWLEDGEMENT_HEADER = ANSWER_HEADER.replace("</Header>", f"{DEPOSIT}</Header>")
PUBLIC_HEADER = (
    "<Header><Sender>CCSS</Sender><Environment>test</Environment>"
    "<Created>2026-08-03T07:15:00Z</Created></Header>"
)
JOURNAL = f"<Journal><Sequence>1</Sequence><Hash>{'a0' * 32}</Hash></Journal>"
INSURED_HEADER = (
    f"<Header><Sender>CCSS</Sender><Insured>{INSURED}</Insured><Environment>test</Environment>"
    "<Created>2026-08-03T07:15:01Z</Created></Header>"
)
TOTALS = "<EmployeeTotal>0.00</EmployeeTotal><EmployerTotal>0.00</EmployerTotal>"

RECORDS: Mapping[str, Mapping[str, str]] = {
    "DEMMAT": {
        "Employer": EMPLOYER,
        "Surname": "VAN DER MEER-D'ARTAGNAN",
        "FirstName": "ANNA",
        "BirthDate": "1893-12-01",
        "Nationality": "NL",
        "HouseNumber": "12A",
        "Street": "Rue de l’Église",
        "Country": "LU",
        "Postcode": "L-1234",
        "Town": "Luxembourg",
        "Reference": "P-1",
    },
    "DEMUTI": {
        "Employer": EMPLOYER,
        "Name": "Bäckerei Müller & Söhne OHG",
        "HouseNumber": "5 a",
        "Street": "Straße des Beispiels",
        "Country": "DE",
        "Postcode": "54290",
        "Town": "Trier",
        "Reference": "U-1",
    },
    "DECINT": {
        "Kind": "mission",
        "Employer": EMPLOYER,
        "Insured": INSURED,
        "User": "2099990002099",
        "Country": "FR",
        "Postcode": "57100",
        "Town": "Thionville",
        "Occupation": "Caristière",
        "OccupationCode": "8344",
        "Manual": "true",
        "Scheme": "01",
        "WeeklyHours": "40.00",
        "ContractType": "D",
        "Entry": "2026-07-06",
        "Exit": "2026-07-10",
        "WorkplaceCountry": "DE",
        "WorkplacePostcode": "54290",
        "WorkplaceTown": "Trier",
        "Posting": "DE",
        "PreviousEntry": "2026-07-07",
        "PreviousExit": "2026-07-10",
        "Reference": "M-1",
    },
    "DEMEMP": {
        "Kind": "registration",
        "NationalNumber": "20999900012",
        "Employer": EMPLOYER,
        "Name": "Bäckerei Müller & Söhne S.à r.l.",
        "LegalForm": "99",
        "HouseNumber": "12A",
        "Street": "Rue de l’Église",
        "Postcode": "1234",
        "Town": "Luxembourg",
        "Country": "LU",
        "Activity": "1071",
        "Started": "2026-07-01",
        "Reference": "E-1",
    },
    "DEMMAN": {
        "Kind": "request",
        "Employer": EMPLOYER,
        "Member": f"{EMPLOYER}100001",
        "Procedures": "CALCUL DECSAL",
        "First": "2026-08-01",
        "Last": "2026-12-31",
        "Number": "7",
        "Reference": "M-1",
    },
    "DEMCER": {
        "Kind": "income",
        "Employer": EMPLOYER,
        "Insured": INSURED,
        "First": "2026-01",
        "Last": "2026-07",
        "Reference": "C-1",
    },
    "OWNCAL": {
        "Employer": EMPLOYER,
        "Insured": INSURED,
        "Period": "2026-07",
        "Group": "employee",
        "CareBase": "3812.40",
        "CareEmployee": "106.75",
        "CareEmployer": "106.75",
        "CashBase": "3812.40",
        "CashEmployee": "9.53",
        "CashEmployer": "9.53",
        "PensionBase": "3812.40",
        "PensionEmployee": "324.05",
        "PensionEmployer": "324.05",
        "DependencyBase": "3119.57",
        "DependencyEmployee": "43.67",
        "AccidentBase": "3812.40",
        "AccidentEmployer": "21.06",
        "MutualityBase": "3812.40",
        "MutualityEmployer": "36.22",
        "HealthBase": "3812.40",
        "HealthEmployer": "5.34",
        "FamilyBase": "0.00",
        "FamilyEmployer": "0.00",
        "EmployeeTotal": "484.00",
        "EmployerTotal": "502.95",
        "Reference": "O-1",
    },
    "DECAFF": {
        "Kind": "entry",
        "Employer": EMPLOYER,
        "Insured": INSURED,
        "Country": "FR",
        "Postcode": "57100",
        "Town": "Thionville",
        "Occupation": "Électricienne",
        "OccupationCode": "7411",
        "Scheme": "03",
        "WeeklyHours": "40.00",
        "ContractType": "D",
        "Entry": "2026-07-01",
        "Exit": "2026-12-31",
        "TrialEnd": "2026-07-31",
        "WorkplaceCountry": "LU",
        "WorkplacePostcode": "L-1234",
        "WorkplaceTown": "Luxembourg",
        "Share": "0.00",
        "ExitReason": "1",
        "PreviousEntry": "2026-06-01",
        "PreviousExit": "2026-11-30",
        "SchemeControl": "03",
        "Reference": "A-1",
    },
    "DECSAL": {
        "Employer": EMPLOYER,
        "Insured": INSURED,
        "Period": "2026-07",
        "BaseWage": "3500.00",
        "WorkHours": "173",
        "Supplements": "120.00",
        "OvertimePay": "0.00",
        "OvertimeHours": "0",
        "Gratuities": "0.00",
        "UnemploymentPay": "0.00",
        "InactiveHours": "0",
        "NonPensionable": "0.00",
        "FirstDay": "01",
        "LastDay": "31",
        "Capped": "Y",
        "Reference": "W-1",
    },
    "DEMDET": {
        "Kind": "creation",
        "Employer": EMPLOYER,
        "Insured": INSURED,
        "MemberMatricule": EMPLOYER,
        "MemberNumber": "100001",
        "Procedure": "multi-state",
        "First": "2026-08-10",
        "Last": "2026-12-31",
        "ResidenceCountry": "FR",
        "HouseNumber": "12A",
        "Street": "Rue de l’Église",
        "Postcode": "57100",
        "Town": "Thionville",
        "HostCountry": "DE",
        "HostName": "Bäckerei Müller & Söhne OHG",
        "HostTown": "Trier",
        "Countries": "BE FR",
        "Telework": "true",
        "TeleworkShare": "40.00",
        "EmployerSeat": "LU",
        "Imo": "9319466",
        "Occupation": "Électricienne",
        "Previous": "D-0",
        "Reference": "D-1",
    },
    "DECREC": {
        "Employer": EMPLOYER,
        "Period": "2026-07",
        "Reference": "R-1",
    },
    "DECMAL": {
        "Kind": "declaration",
        "Employer": EMPLOYER,
        "Insured": INSURED,
        "Period": "2026-07",
        "IncapacityType": "1",
        "Start": "2026-07-13",
        "End": "2026-07-17",
        "Hours": "40",
    },
}
"""One good record of each form that comes in, with every field there is."""

FAULT = (
    "<Anomaly><Code>FILE-NOT-XML</Code></Anomaly>"
    '<Explanation code="FILE-NOT-XML" level="file" severity="blocking">'
    '<Text lang="fr">a</Text><Text lang="de">b</Text><Text lang="en">c</Text>'
    '<Remedy lang="fr">a</Remedy><Remedy lang="de">b</Remedy><Remedy lang="en">c</Remedy></Explanation>'
)

ANSWERS: Mapping[str, str] = {
    "ACKREC": ACKNOWLEDGEMENT_HEADER + JOURNAL,
    "ACKTRT": ACKNOWLEDGEMENT_HEADER
    + "<Verdict>accepted</Verdict><Records>1</Records><Accepted>1</Accepted><Rejected>0</Rejected>"
    + "<Held>0</Held>"
    + JOURNAL,
    "FAIL": ACKNOWLEDGEMENT_HEADER + FAULT,
    "MATASS": ANSWER_HEADER,
    "MATUTI": ANSWER_HEADER,
    "UTIRET": ANSWER_HEADER,
    "EMPASS": ANSWER_HEADER,
    "EMPRET": ANSWER_HEADER,
    "MANASS": ANSWER_HEADER,
    "MANRET": ANSWER_HEADER,
    "CERTIF": ANSWER_HEADER,
    "CERRET": ANSWER_HEADER,
    "OWNRET": ANSWER_HEADER,
    "DIFCAL": f"{ANSWER_HEADER}<Employer>{EMPLOYER}</Employer><Period>2026-07</Period>"
    "<Own>0.00</Own><Billed>0.00</Billed><Difference>0.00</Difference>",
    "SIMRES": ANSWER_HEADER + "<Simulated><Name>x.xml</Name><Size>0</Size>"
    f"<Digest>{'0' * 64}</Digest><At>2026-08-03T07:15:00.120000Z</At></Simulated>"
    "<Verdict>rejected</Verdict><Records>0</Records><Accepted>0</Accepted><Rejected>0</Rejected>"
    '<Held>0</Held><Notice lang="fr">a</Notice><Notice lang="de">b</Notice><Notice lang="en">c</Notice>'
    + JOURNAL,
    "RECRET": ANSWER_HEADER,
    "DETRET": ANSWER_HEADER,
    "INTRET": ANSWER_HEADER,
    "MATRET": ANSWER_HEADER,
    "AFFRET": ANSWER_HEADER,
    "SALRET": ANSWER_HEADER,
    "MALRET": ANSWER_HEADER,
    "SALMAN": ANSWER_HEADER,
    "LISPER": ANSWER_HEADER,
    "CHAPRO": ANSWER_HEADER + "<Year>2026</Year><Stage>check</Stage><Until>2026-06-30</Until>",
    "CHGMAT": ANSWER_HEADER,
    "CALEND": ANSWER_HEADER + "<Month>2026-08</Month>",
    "AVICLE": ANSWER_HEADER
    + f"<Event>expires</Event><Key>{'a' * 64}</Key><Until>2026-10-02T07:15:00Z</Until>",
    "JOUHED": PUBLIC_HEADER + JOURNAL,
    "RECOUV": ANSWER_HEADER
    + f"<Number>1</Number><Kind>reminder</Kind><Employer>{EMPLOYER}</Employer><Day>2026-08-03</Day>"
    + "<Item><Entry>1</Entry><Kind>contributions</Kind><Due>2026-07-20</Due><Amount>9.00</Amount>"
    + "<Interest>0.00</Interest></Item><Amount>9.00</Amount><Interest>0.00</Interest><Total>9.00</Total>"
    + "<LegalBasis>CSS art. 428</LegalBasis>"
    + "".join(
        f'<{name} lang="{language}">a</{name}>'
        for name in ("Text", "Remedy", "Reply")
        for language in ("fr", "de", "en")
    ),
    "ANNUEL": INSURED_HEADER
    + "<Year>2025</Year><Issued>2026-08-03</Issued><ClaimUntil>2026-11-03</ClaimUntil>"
    + "<LegalBasis>Article 12</LegalBasis>"
    + f"<Employer><Matricule>{EMPLOYER}</Matricule><Days>0</Days><Months>0</Months><Hours>0</Hours>"
    + f"<Pay>0.00</Pay>{TOTALS}</Employer>"
    + f"<Days>0</Days><Months>0</Months><Hours>0</Hours><Pay>0.00</Pay>{TOTALS}",
    "DEPMAX": INSURED_HEADER
    + "<Until>2026-07</Until><Stage>provisional</Stage><LegalBasis>Article 241</LegalBasis>"
    + f"<Employer><Matricule>{EMPLOYER}</Matricule></Employer>"
    + "<Employer><Matricule>2099990002099</Matricule></Employer>"
    + "<Above><Branch>pension</Branch><Base>0.02</Base><Ceiling>0.01</Ceiling><Amount>0.01</Amount>"
    + "<Share>0.00</Share><ClaimAt>CCSS</ClaimAt></Above><Share>0.00</Share>",
    "CALCUL": ANSWER_HEADER
    + f"<Employer>{EMPLOYER}</Employer><Period>2026-07</Period><Statement>2026-09-000001</Statement>"
    + f"<ComputedIn>2026-09</ComputedIn>{TOTALS}<Total>0.00</Total>"
    + "<Corrected>0.00</Corrected><Refunded>0.00</Refunded>",
    "EXTCPT": ANSWER_HEADER
    + f"<Statement>2026-09-000001</Statement><Employer>{EMPLOYER}</Employer><Name>Boulangerie S.à r.l.</Name>"
    + "<Period>2026-07</Period><Issued>2026-09-10</Issued><Due>2026-09-20</Due>"
    + "<PreviousBalance>0.00</PreviousBalance><Booked>0.00</Booked>"
    + f"{TOTALS}<Contributions>0.00</Contributions><Corrected>0.00</Corrected><Charged>0.00</Charged>"
    + "<Refunded>0.00</Refunded><Balance>0.00</Balance><Direction>DEBIT</Direction>"
    + "<Payment><Terms>credit</Terms><Payable>0.00</Payable><Payee><Name>Centre commun</Name>"
    + "<IBAN>LU280019400644750000</IBAN><BIC>BCEELULL</BIC></Payee>"
    + f"<Reference>{EMPLOYER}</Reference></Payment>"
    + "<Policy><Parameters>2026.1</Parameters><Known>2026-09-10</Known>"
    + "<Name>line-and-side+apart+cumulative+unrounded</Name></Policy>",
}
"""What the smallest answer of each form holds."""


def form(code: str) -> Form:
    """A form's version 1.0."""
    return catalogue().form(code, "1.0", DAY)


def record(code: str, **changes: str | None) -> dict[str, str]:
    """A good record with every field; `None` takes one away, another text replaces it."""
    fields = {**RECORDS[code], **changes}
    return {name: text for name, text in fields.items() if text is not None}


def minimal_record(code: str) -> dict[str, str]:
    """A good record with what the form requires and no more."""
    return {field.name: RECORDS[code][field.name] for field in form(code).fields if field.required}


def record_xml(code: str, fields: Mapping[str, str]) -> str:
    """A record as XML, one line for each element."""
    name = form(code).record
    inside = "".join(f"<{field}>{escape(text)}</{field}>\n" for field, text in fields.items())
    return f"<{name}>\n{inside}</{name}>\n"


def document(code: str, body: str, version: str = "1.0") -> bytes:
    """A document of a form around any body."""
    return f'<{code} xmlns="{NAMESPACE}" version="{version}">\n{body}\n</{code}>'.encode()


def batch(code: str, *records: Mapping[str, str], header: str = HEADER, signature: str = "") -> bytes:
    """A batch of these records."""
    return document(code, f"{header}\n{''.join(record_xml(code, each) for each in records)}{signature}")


def smallest(code: str) -> bytes:
    """The smallest good document of a form."""
    if code == WHOLE:
        return document(code, HEADER + record_xml("DECSAL", minimal_record("DECSAL")))
    return document(code, ANSWERS[code]) if code in ANSWERS else batch(code, minimal_record(code))


def tree(raw: bytes) -> etree._Element:
    """The tree of a document, read as the gateway reads them, but without its limits."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
    return etree.fromstring(raw, parser)
