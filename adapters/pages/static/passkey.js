// Passkeys: asked for here, unlocked by the device.
"use strict";
document.querySelectorAll("[data-passkey]").forEach((place) => {
  if (!window.PublicKeyCredential || !PublicKeyCredential.parseRequestOptionsFromJSON) return;
  place.hidden = false;
  const address = place.dataset.passkey;
  const isNew = place.tagName === "FORM";
  const wrong = place.querySelector("[role=alert]");
  const said = () => {
    const fields = isNew ? new URLSearchParams(new FormData(place)) : new URLSearchParams();
    if (place.dataset.back) fields.set("back", place.dataset.back);
    return fields;
  };
  const post = (to, body) => fetch(to, { method: "POST", body });
  place.querySelector("button").addEventListener("click", async () => {
    wrong.hidden = true;
    try {
      const asked = await (await post(`${address}/begin`, said())).json();
      const made = isNew
        ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(asked) })
        : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(asked) });
      const fields = said();
      fields.set("credential", JSON.stringify(made.toJSON()));
      const answer = await post(address, fields);
      if (!answer.ok) throw new Error("refused");
      location.assign((await answer.json()).go);
    } catch {
      wrong.hidden = false;
    }
  });
});
