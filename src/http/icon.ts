/** The icon of the pages: a gate with a descending grating. */
export const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#1d4fbf"/><path d="M7 26V15a9 9 0 0 1 18 0v11M12 8v17M16 6v20M20 8v17M7 14h18M7 20h18" fill="none" stroke="#fff" stroke-width="2" stroke-linecap="round"/></svg>
`
