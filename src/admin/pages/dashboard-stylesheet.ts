/** What the dashboard adds to the style of all pages: its pages are wide, and full of tables. */
export const dashboardStylesheet = `
body.wide { display: block; padding: 0 }
.wide main { max-width: 76rem; margin: 0 auto; border: 0; border-radius: 0; background: transparent }
.bar { width: 100%; background: var(--card); border-bottom: 1px solid var(--line) }
.bar nav { max-width: 76rem; margin: 0 auto; padding: .75rem clamp(1.25rem, 5vw, 2rem); border: 0; align-items: center }
.bar .brand { margin: 0 1rem 0 0 }
.bar a[aria-current] { color: var(--ink); font-weight: 600; text-decoration: none }
.bar form { margin-left: auto }
.bar button, .rowed button, .heading button { flex: none; padding: .25rem .75rem; font-size: .875rem }
.heading { display: flex; flex-wrap: wrap; gap: 1rem; align-items: baseline; justify-content: space-between }
.charts { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)) }
figure, .table { margin: 0 0 1rem; padding: 1rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem }
figcaption, caption { padding: 0 0 .5rem; font-weight: 600; text-align: left }
.chart { min-height: 13rem }
.table { position: relative; overflow-x: auto }
table { width: 100%; border-collapse: collapse; font-size: .875rem }
th, td { padding: .375rem .75rem .375rem 0; text-align: left; vertical-align: top; border-top: 1px solid var(--line); overflow-wrap: break-word }
td { min-width: 4rem; max-width: 22rem; font-variant-numeric: tabular-nums }
th { color: var(--soft); font-weight: 600; white-space: nowrap }
.rowed summary { display: inline-block; padding: .125rem .75rem; font-size: .875rem }
.rowed details[open] summary { margin-bottom: .5rem }
.rowed thead th { border-top: 0; padding-top: 0 }
.rowed .confirm { display: inline-block; vertical-align: top; margin: 0 .25rem .25rem 0 }
.rowed .confirm[open] { margin-bottom: .75rem }
.rowed .confirm p { max-width: 20rem }
.rowed td:last-child { max-width: 17rem }
.table > h2 { margin-top: 0 }
.search { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin: 0 0 1rem }
.search label { margin: 0 }
.search input[type=text] { flex: 0 1 20rem; width: auto; min-width: 0; padding: .25rem .75rem; font-size: .875rem }
.search button { flex: none; padding: .25rem .75rem; font-size: .875rem }
.pages { border: 0; margin: 0; padding: 0; color: var(--soft) }
.told { padding: .625rem .75rem; background: var(--card); border-left: 4px solid var(--accent); border-radius: .25rem }
.u-marker { forced-color-adjust: none }
.u-legend, .u-legend th, .u-legend td { min-width: 0; padding: .125rem; color: var(--ink); border: 0; font-size: .8125rem }
@media (max-width: 60rem) {
  /* A table that scrolls anyway has its rows in as few lines as they need. */
  table { width: max-content; min-width: 100% }
  td { max-width: 16rem }
  .u-legend { width: auto; min-width: 0 }
}
`
