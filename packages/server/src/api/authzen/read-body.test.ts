import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { readBody } from './read-body.js';

test('attack: the body of whoever has left already is not waited for', async () => {
  let arrived: (incoming: IncomingMessage) => void = () => undefined;
  const arriving = new Promise<IncomingMessage>((done) => (arrived = done));
  const server = createServer((incoming) => arrived(incoming.on('error', () => undefined)));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', () => done()));
  const client = request({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', method: 'POST', headers: { 'content-length': 100 } }).on('error', () => undefined);
  client.write('{');
  const incoming = await arriving;
  const gone = new Promise<void>((done) => incoming.once('close', () => done()));
  client.destroy();
  await gone;
  await expect(readBody(incoming)).rejects.toMatchObject({ code: 'request_malformed' });
  server.close();
}, 5_000);
