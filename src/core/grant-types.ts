/** The device grant (RFC 8628 section 3.4). */
export const deviceCodeGrant = 'urn:ietf:params:oauth:grant-type:device_code'

/** The exchange of a token for another one (RFC 8693 section 2.1). */
export const tokenExchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'

/** The grant of an assertion about a user (RFC 7523 section 2.1). */
export const jwtBearerGrant = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
