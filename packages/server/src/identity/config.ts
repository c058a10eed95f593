/** Key type of every signature algorithm that may be accepted. What is not in this table is refused. */
export const keyTypes: Readonly<Record<string, string>> = {
  RS256: 'RSA',
  RS384: 'RSA',
  RS512: 'RSA',
  PS256: 'RSA',
  PS384: 'RSA',
  PS512: 'RSA',
  ES256: 'EC',
  ES384: 'EC',
  ES512: 'EC',
  EdDSA: 'OKP',
};

export const signatureAlgorithms = Object.keys(keyTypes);
