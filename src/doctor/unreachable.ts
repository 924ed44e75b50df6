/** The server could not be reached at all, so nothing can be said about it. */
export class Unreachable extends Error {}
