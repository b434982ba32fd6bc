// Passkeys: ask the browser for one, put what it says into the form, and send that.

const CREDENTIALS = {
  create: (options) => navigator.credentials.create({
    publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options),
  }),
  get: (options) => navigator.credentials.get({
    publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options),
  }),
};

const askForPasskey = async (form) => {
  const answer = await fetch(form.dataset.options, { headers: { Accept: "application/json" } });
  if (!answer.ok || answer.redirected) {
    window.location.reload(); // signed out, or a fresh proof is asked for: the page says so
    return;
  }
  const credential = await CREDENTIALS[form.dataset.passkey](await answer.json());
  form.elements.credential.value = JSON.stringify(credential.toJSON());
  form.submit();
};

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-passkey]");
  if (!form) return;
  event.preventDefault();
  const said = form.querySelector("[data-passkey-error]");
  said.textContent = "";
  try {
    await askForPasskey(form);
  } catch (error) {
    said.textContent = error.name === "InvalidStateError"
      ? "This device has a passkey of yours already."
      : "No passkey was used. Try again, or use your password.";
  }
});

for (const form of document.querySelectorAll("form[data-passkey][hidden]")) {
  form.hidden = !window.PublicKeyCredential?.parseRequestOptionsFromJSON;
}
