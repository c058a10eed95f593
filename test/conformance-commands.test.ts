import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { selfSigned } from '../packages/server/src/lib/self-signed.js';
import { root } from './support/governor.js';
import { freePort } from './support/programs.js';

const { cert, key } = selfSigned(Date.now(), 1);
const folder = mkdtempSync(join(tmpdir(), 'flyball-conformance-'));
const [ca, description] = [join(folder, 'ca.pem'), join(folder, 'product.json')];
let server: Server;
let url: string;
const closed: Record<string, string> = {};

beforeAll(async () => {
  writeFileSync(ca, cert);
  writeFileSync(description, JSON.stringify({ name: 'a product' }));
  server = createServer({ cert, key }, (_request, response) => response.writeHead(404).end('{}'));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `https://localhost:${(server.address() as AddressInfo).port}`;
  closed['url'] = `https://localhost:${await freePort()}`;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

function run(script: string, ...args: readonly string[]): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  return new Promise((done) => {
    execFile(process.execPath, [join(root, 'test/conformance', script), ...args], { maxBuffer: 16 << 20 }, (error, stdout, stderr) => done({ code: error ? Number(error.code) : 0, stdout, stderr }));
  });
}

describe.each([
  ['authzen.mjs', []],
  ['arap.mjs', ['--config', description]],
  ['obligations.mjs', ['--config', description]],
])('npm run conformance: %s', (script, more) => {
  test('a certificate that nobody known has signed is said in one line, with the option that helps', async () => {
    const { code, stdout, stderr } = await run(script, url, ...more);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^cannot ask https:\/\/localhost:\d+: its certificate is signed by nobody who is known here; --ca FILE names the certificate \(PEM\) to trust \(DEPTH_ZERO_SELF_SIGNED_CERT\)\n$/);
  });

  test('with its certificate the server is asked', async () => {
    const { code, stdout } = await run(script, url, ...more, '--ca', ca, '--json');
    expect(code).toBe(1);
    expect((JSON.parse(stdout) as object[]).length).toBeGreaterThan(5);
    expect(stdout).not.toContain('CERT');
  });

  test('a server that is not there, and what is no URL and no certificate, are said in one line', async () => {
    const lines = [await run(script, closed['url'] ?? '', ...more), await run(script, 'localhost:1', ...more), await run(script, url, ...more, '--ca', join(folder, 'none.pem'))];
    expect(lines.map(({ code, stdout }) => [code, stdout])).toEqual([[2, ''], [2, ''], [2, '']]);
    expect(lines.map(({ stderr }) => stderr)).toEqual([
      expect.stringMatching(/^cannot ask https:\/\/localhost:\d+: nobody listens there \(ECONNREFUSED\)\n$/),
      'expected a URL with http or https, got `localhost:1`\n',
      `cannot read the certificate of --ca, \`${join(folder, 'none.pem')}\` (ENOENT)\n`,
    ]);
  });

  test('an option that it does not have ends with what it has', async () => {
    const { code, stdout, stderr } = await run(script, '--tokens', 'x');
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^Unknown option '--tokens'[^]*npm run conformance:[^]*--token T[^]*--ca FILE/);
    expect(stderr).not.toContain('    at ');
    expect((await run(script, '--help')).stdout).toContain('--ca FILE');
  });
});
