/** Doctor cannot do what was requested: exit code 2. */
export class DoctorMisused extends Error {}
