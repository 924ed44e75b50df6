/**
 * The script of all pages with forms: a double click counts once.
 * - A form is not sent again within three seconds: the browser would show only the second answer, which tells
 *   that a link, a code or a page is used up. After that it is, since the page may still be open: where the
 *   answer opened a program, or where the user stopped it from loading.
 * - A button is not pressed by a second click that began on the page before, where the pointer still is:
 *   nobody has read yet what it would agree to.
 */
export const sendOnceScript = `'use strict'
const sent = new WeakMap()
addEventListener('submit', (event) => {
  const { target, timeStamp, defaultPrevented } = event
  if (defaultPrevented) return
  if (timeStamp < sent.get(target) + 3000) event.preventDefault()
  else sent.set(target, timeStamp)
})
addEventListener('click', (event) => {
  if (event.detail > 1 && event.target.closest('form button')) event.preventDefault()
})
`
