/** The tenant of an installation that has only one. */
export const soleTenant = 'default'
