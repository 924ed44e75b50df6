/** The server could not be reached at all: nothing is right or wrong about it. */
export class Unreachable extends Error {}
