/** The one style sheet of all pages: light and dark, from 320 px up, without scripts, fonts or images. */
export const stylesheet = `
:root {
  color-scheme: light dark;
  --ground: light-dark(#eef0f4, #14161b);
  --card: light-dark(#ffffff, #1e2128);
  --ink: light-dark(#1b1f27, #eceff4);
  --soft: light-dark(#525a69, #a9b1c0);
  --line: light-dark(#c5cad4, #3d4350);
  --accent: light-dark(#1d4fbf, #8fb4ff);
  --on-accent: light-dark(#ffffff, #10131a);
  --danger: light-dark(#b3261e, #f2b8b5);
  --on-danger: light-dark(#ffffff, #410e0b);
  --warn-ground: light-dark(#fff4d6, #3a3012);
  --warn-line: light-dark(#8a6100, #e3b341);
}
* { box-sizing: border-box }
body {
  margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem;
  background: var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif;
}
main {
  width: 100%; max-width: 30rem; padding: clamp(1.25rem, 5vw, 2rem);
  background: var(--card); border: 1px solid var(--line); border-radius: .75rem;
}
.brand { display: flex; align-items: center; gap: .5rem; margin: 0 0 1rem; color: var(--soft); font-weight: 600 }
h1 { margin: 0 0 .75rem; font-size: 1.5rem; line-height: 1.25; overflow-wrap: anywhere }
h2 { margin: 1.25rem 0 .25rem; font-size: 1rem; overflow-wrap: anywhere }
h3 { margin: .75rem 0 .25rem; font-size: .9375rem }
p { margin: 0 0 1rem; overflow-wrap: anywhere }
ul { margin: 0 0 .75rem; padding-left: 1.25rem }
li { margin: .25rem 0; overflow-wrap: anywhere }
label { display: block; margin-bottom: .25rem; font-weight: 600 }
input[type=text], input[type=password] {
  width: 100%; padding: .625rem .75rem; font: inherit; color: inherit;
  background: transparent; border: 1px solid var(--soft); border-radius: .5rem;
}
.actions { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.25rem 0 }
main > :last-child, form:last-child .actions { margin-bottom: 0 }
button, .button, summary {
  flex: 1 1 8rem; padding: .625rem 1rem; font: inherit; font-weight: 600; cursor: pointer;
  color: var(--ink); background: transparent; border: 1px solid var(--soft); border-radius: .5rem;
}
a.button, summary { text-align: center; text-decoration: none }
button.primary { color: var(--on-accent); background: var(--accent); border-color: var(--accent) }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
.client { margin: 0 0 1rem; padding: 1rem; border: 1px solid var(--line); border-radius: .5rem }
.client > h2 { margin-top: 0 }
nav { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; margin-top: 1.5rem; padding-top: 1rem; border-top: 1px solid var(--line);
  font-size: .875rem }
a { color: var(--accent) }
input + label { margin-top: 1rem }
input + p { margin-top: .375rem }
.choice { display: flex; gap: .625rem; align-items: baseline; margin: 1.25rem 0 0; font-weight: 400 }
.choice + p { margin: .25rem 0 0 1.75rem }
summary { list-style: none }
summary::-webkit-details-marker { display: none }
[open] > summary > .closed, details:not([open]) > summary > .opened { display: none }
[open] > summary { margin-bottom: .75rem; font-weight: 400 }
.confirm { margin-top: .75rem }
.confirm p { margin-bottom: .5rem }
.confirm form button { width: 100%; color: var(--on-danger); background: var(--danger); border-color: var(--danger) }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
.rows { list-style: none; padding: 0 }
.rows li { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; justify-content: space-between;
  padding: .75rem 0; border-top: 1px solid var(--line) }
.rows li > span { flex: 1 1 10rem }
.rows .confirm { margin: 0 }
.rows .confirm[open] { width: 100% }
.host { margin: 0 0 1rem; padding: .5rem .75rem; border: 1px solid var(--line); border-radius: .5rem }
strong { unicode-bidi: isolate }
.host strong { display: inline-block; font-size: 1.125rem }
.host code { display: block }
.note { padding: .625rem .75rem; background: var(--warn-ground); border-left: 4px solid var(--warn-line); border-radius: .25rem }
.quiet, code { color: var(--soft); font-size: .875rem }
code { overflow-wrap: anywhere }
`
