/** The longest lifetime of an access token that can be configured, in seconds. Nothing signed has to be remembered longer. */
export const longestTokenSeconds = 86_400
