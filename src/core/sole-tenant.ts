/** The name under which a store keeps what belongs to no tenant. No tenant may have it. */
export const soleTenant = 'default'
