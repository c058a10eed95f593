import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { json, localServer, type LocalServer, refusal } from '../../../../test/support/identity-kit.js';
import { fetchJson, isPublicAddress } from './safe-fetch.js';

const bounds = { bytesMax: 1_000, timeoutMs: 2_000, allowPrivate: false };
const inside = { ...bounds, allowPrivate: true };

let target: LocalServer;
const others: LocalServer[] = [];
beforeAll(async () => {
  target = await localServer(json({ secret: true }));
});
afterAll(() => target.close());
afterEach(async () => {
  await Promise.all(others.splice(0).map((server) => server.close()));
});
const serve = async (answer: Parameters<typeof localServer>[0]) => {
  const server = await localServer(answer);
  others.push(server);
  return server;
};
const port = () => new URL(target.url).port;

describe('addresses', () => {
  test.each([
    '127.0.0.1', '127.255.255.254', '0.0.0.0', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254', '100.64.0.1', '192.0.0.192', '198.18.0.1', '224.0.0.1', '240.0.0.1', '255.255.255.255',
    '::1', '::', 'fe80::1', 'fc00::1', 'fd00:ec2::254', 'ff02::1', 'fec0::1', '2001:db8::1',
    '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:a9fe:a9fe', '::ffff:0:127.0.0.1', '64:ff9b::7f00:1', '64:ff9b:1::7f00:1', '2002:7f00:1::', '2002:a9fe:a9fe::1', '2001::1',
    '::127.0.0.1', '::7f00:1', '::a9fe:a9fe', '::a00:1',
    '', 'localhost', '127.1', '0x7f.1', '999.1.1.1', '1.2.3.4.5', 'fe80::1%eth0',
  ])('abuse 5: %j is not public', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  test.each(['8.8.8.8', '1.1.1.1', '172.32.0.1', '192.167.255.255', '2606:4700:4700::1111', '::ffff:8.8.8.8'])('story: %j is public', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
});

describe('no packet goes inside', () => {
  test.each([
    'https://127.0.0.1:PORT/', 'https://127.1:PORT/', 'https://2130706433:PORT/', 'https://0x7f000001:PORT/', 'https://0x7f.0.0.1:PORT/', 'https://0177.0.0.1:PORT/', 'https://017700000001:PORT/', 'https://127.0.0.1.:PORT/', 'https://0:PORT/', 'https://0.0.0.0:PORT/',
    'https://[::1]:PORT/', 'https://[::]:PORT/', 'https://[::ffff:127.0.0.1]:PORT/', 'https://[::ffff:7f00:1]:PORT/', 'https://[::127.0.0.1]:PORT/', 'https://[0:0:0:0:0:ffff:7f00:0001]:PORT/',
    'https://localhost:PORT/', 'https://LOCALHOST:PORT/', 'https://localhost.:PORT/', 'https://\uFF11\uFF12\uFF17.0.0.1:PORT/', 'https://\u2460\u2461\u2466.0.0.1:PORT/',
    'https://169.254.169.254/latest/meta-data', 'https://[fd00:ec2::254]/', 'https://10.0.0.1/', 'https://example.com@127.0.0.1:PORT/', 'https://127.0.0.1:PORT\\@example.com/',
    'http://127.0.0.1:PORT/', 'HTTP://127.0.0.1:PORT/', 'http://8.8.8.8/', 'file:///etc/passwd', 'ftp://8.8.8.8/', 'data:application/json,{}', 'gopher://127.0.0.1:PORT/', 'blob:https://127.0.0.1/x', '//127.0.0.1:PORT/', '/etc/passwd', '', 'https://', 'https:///', 'https://user:password@8.8.8.8/',
  ])('abuse 5: %s', async (url) => {
    const before = target.hits();
    expect(await refusal(fetchJson(url.replace('PORT', port()), bounds))).toMatch(/^identity_refused: cannot fetch: expected/);
    expect(target.hits()).toBe(before);
  });

  test.each([301, 302, 303, 307, 308])('abuse 5: a redirect with status %i is not followed, not even to where we came from', async (status) => {
    const before = target.hits();
    const redirecting = await serve((_request, response) => response.writeHead(status, { location: `${target.url}/` }).end());
    expect(await refusal(fetchJson(redirecting.url, inside))).toMatch(`expected status 200, got ${status}`);
    expect(target.hits()).toBe(before);
  });

  test('abuse 5: user and password in a URL are refused also where private addresses are allowed', async () => {
    const before = target.hits();
    expect(await refusal(fetchJson(target.url.replace('://', '://user:password@'), inside))).toMatch(/without user and password/);
    expect(target.hits()).toBe(before);
  });

  test('attack: no proxy from the environment takes the request', async () => {
    const proxy = await serve(json({ proxied: true }));
    const kept = { ...process.env };
    Object.assign(process.env, { HTTP_PROXY: proxy.url, http_proxy: proxy.url, HTTPS_PROXY: proxy.url });
    try {
      expect(await fetchJson(target.url, inside)).toEqual({ secret: true });
    } finally {
      for (const name of ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY']) delete process.env[name];
      Object.assign(process.env, kept);
    }
    expect(proxy.hits()).toBe(0);
  });
});

describe('what comes back is bounded', () => {
  test.each<[string, Parameters<typeof localServer>[0]]>([
    ['more bytes than allowed', (_request, response) => response.writeHead(200).end(JSON.stringify('x'.repeat(2_000)))],
    ['more bytes than allowed, in pieces', (_request, response) => { response.writeHead(200); for (let i = 0; i < 100; i++) response.write(' '.repeat(100)); response.end('{}'); }],
    ['an endless body', (_request, response) => { response.writeHead(200); const more = setInterval(() => response.write(' '.repeat(400)), 1); response.on('close', () => clearInterval(more)); }],
    ['no answer', () => undefined],
    ['headers that never end', (request) => { request.socket.write('HTTP/1.1 200 OK\r\n'); const more = setInterval(() => request.socket.write('x: y\r\n'), 50); request.socket.on('close', () => clearInterval(more)); request.socket.on('error', () => undefined); }],
    ['no JSON', (_request, response) => response.writeHead(200).end('<html>')],
    ['nothing', (_request, response) => response.writeHead(200).end()],
    ['an error with an endless body', (_request, response) => { response.writeHead(500); const more = setInterval(() => response.write('x'.repeat(400)), 1); response.on('close', () => clearInterval(more)); }],
    ['a connection that breaks', (request) => request.socket.destroy()],
  ])('abuse 6: %s', async (_name, answer) => {
    const { url } = await serve(answer);
    const start = performance.now();
    expect(await refusal(fetchJson(url, inside))).toMatch(/^identity_refused: cannot fetch: /);
    expect(performance.now() - start).toBeLessThan(4_000);
  });

  test('attack: what the server said is in no message', async () => {
    const { url } = await serve((_request, response) => response.writeHead(200).end('password=hunter2'));
    expect(await refusal(fetchJson(url, inside))).not.toContain('hunter2');
  });

  test('attack: who may fetch from the inside without TLS may not from the outside', async () => {
    for (const url of ['http://8.8.8.8/keys', 'http://[2606:4700::1111]/keys', 'http://[::ffff:8.8.8.8]/keys']) expect(await refusal(fetchJson(url, inside))).toContain('expected https for a public address');
  });
});
