/**
 * The script of the pages that have passkeys. It shows the forms that need it, asks the authenticator when
 * one is submitted, and submits the form with the answer; everything else is plain HTML.
 */
export const passkeyScript = `'use strict'
const ask = {
  create: (options) => navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) }),
  get: (options) => navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) }),
}
const able = typeof PublicKeyCredential === 'function' && 'parseRequestOptionsFromJSON' in PublicKeyCredential
for (const note of document.querySelectorAll('[data-without-passkeys]')) note.hidden = able
for (const form of document.querySelectorAll('form[data-passkey]')) {
  const { credential } = form.elements
  const problem = form.querySelector('[role=alert]')
  form.hidden = !able
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    problem.hidden = true
    try {
      const answer = await ask[form.dataset.passkey](JSON.parse(form.dataset.options))
      credential.value = JSON.stringify(answer)
      form.submit()
    } catch (error) {
      problem.textContent = error.name === 'InvalidStateError'
        ? 'This device already has a passkey for you.'
        : 'Your device gave no passkey. Try again, or use your password.'
      problem.hidden = false
    }
  })
}
`
