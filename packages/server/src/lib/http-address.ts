/** Where a listener without TLS is reached. */
export const httpAddress = (host: string, port: number): string => `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
