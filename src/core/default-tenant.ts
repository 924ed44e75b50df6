/** The name under which a store keeps what belongs to the installation itself. No tenant may have it. */
export const defaultTenant = 'default'
