/**
 * The longest configurable lifetime of an access token, in seconds. Nothing about signed tokens has to be
 * remembered longer.
 */
export const longestTokenSeconds = 86_400

/** How long a verifier may cache the keys that are published here, in seconds. */
export const publishedKeysSeconds = 300
