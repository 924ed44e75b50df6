/** What was asked of the doctor cannot be done: exit code 2. */
export class DoctorMisused extends Error {}
