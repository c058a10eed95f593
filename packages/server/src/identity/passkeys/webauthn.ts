/** The library that reads authenticators' answers, loaded by whoever has one: it takes longer to load than all of the command line. */
export const webauthn = () => import('@simplewebauthn/server');
