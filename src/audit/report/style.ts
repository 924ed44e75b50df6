/** The appearance of a report on screen and on paper. */
export const reportStyle = `
:root { color-scheme: light; font: 15px/1.45 system-ui, sans-serif; color: #1b1b1f }
body { background: #fff; max-width: 70rem; margin: 0 auto; padding: 2rem 1.25rem }
h1 { font-size: 1.7rem; margin: 0 0 .25rem }
h2 { font-size: 1.2rem; margin: 2.25rem 0 .5rem; border-bottom: 2px solid #1b1b1f }
p { margin: .25rem 0 .75rem }
.scroll { overflow-x: auto }
.scroll:focus-visible { outline: 2px solid #1f4fd8 }
table { border-collapse: collapse; width: 100%; font-size: .9rem }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid #c8c8d0 }
td { overflow-wrap: anywhere; min-width: 9ch }
.number { min-width: 0 }
thead th { border-bottom: 2px solid #5b5b66 }
.number { text-align: right; font-variant-numeric: tabular-nums }
.marked td { background: #fff4d6 }
@media print {
  @page { size: A4 landscape; margin: 14mm }
  body { padding: 0; max-width: none; font-size: 10pt }
  thead { display: table-header-group }
  tr { break-inside: avoid }
  h2 { break-after: avoid }
}
`
