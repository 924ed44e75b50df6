/** The longest lifetime of an access token that can be configured, in seconds. Nothing signed has to be remembered longer. */
export const longestTokenSeconds = 86_400

/** How long a verifier may keep the keys that are published here, in seconds. */
export const publishedKeysSeconds = 300
