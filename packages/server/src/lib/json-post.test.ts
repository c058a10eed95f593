import type { IncomingMessage } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { json, localServer, type LocalServer, refusal } from '../../../../test/support/identity-kit.js';
import { JsonPost } from './json-post.js';
import { Secret } from './secret.js';

const bounds = { bytesMax: 1_000, timeoutMs: 500, connectionsMax: 4 };
const servers: LocalServer[] = [];
const posts: JsonPost[] = [];
afterEach(async () => {
  await Promise.all(posts.splice(0).map((post) => post.close()));
  await Promise.all(servers.splice(0).map((server) => server.close()));
});
const serve = async (answer: Parameters<typeof localServer>[0]): Promise<LocalServer> => {
  const server = await localServer(answer);
  servers.push(server);
  return server;
};
function postTo(url: string, token?: string): JsonPost {
  const post = new JsonPost(url, token === undefined ? undefined : new Secret(token), bounds);
  posts.push(post);
  return post;
}
const refused = (url: string): string => {
  try {
    postTo(url);
    return 'accepted';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

test('story: JSON there and back, with the token, over connections that are kept', async () => {
  const seen: { headers: IncomingMessage['headers']; body: string }[] = [];
  const server = await serve((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (part: string) => (body += part)).on('end', () => {
      seen.push({ headers: request.headers, body });
      response.writeHead(200).end('{"answer":42}');
    });
  });
  const post = postTo(`${server.url}/v1/data`, 'hunter2');
  for (let i = 0; i < 40; i++) expect(await post.send({ n: i })).toEqual({ answer: 42 });
  expect(seen.map(({ body }) => body)).toEqual(Array.from({ length: 40 }, (_, i) => `{"n":${i}}`));
  expect(seen[0]?.headers).toMatchObject({ authorization: 'Bearer hunter2', 'content-type': 'application/json' });
  expect(server.hits()).toBeLessThanOrEqual(bounds.connectionsMax);
});

test('story: a name is looked up', async () => {
  const server = await serve(json('here'));
  expect(await postTo(server.url.replace('127.0.0.1', 'localhost')).send({})).toBe('here');
});

test('story: without a token none is sent', async () => {
  const server = await serve((request, response) => response.writeHead(200).end(JSON.stringify(request.headers.authorization ?? null)));
  expect(await postTo(server.url).send({})).toBeNull();
});

describe('where nothing is sent', () => {
  test.each(['', 'opa', '/v1', 'ftp://127.0.0.1/', 'file:///etc/passwd', 'data:application/json,{}', 'https://user:password@127.0.0.1/', 'https://127.0.0.1/?x=1', 'https://127.0.0.1/#x', 'http://8.8.8.8/', 'http://[2606:4700:4700::1111]/', 'http://134744072/'])('attack: %j is not taken from the configuration', (url) => {
    expect(refused(url)).toBe('config_invalid');
  });

  test.each(['https://8.8.8.8/', 'https://opa.example/base', 'http://127.0.0.1:8181', 'http://10.0.0.1/', 'http://[::1]:8181/', 'http://opa.internal:8181'])('story: %j is', (url) => {
    expect(refused(url)).toBe('accepted');
  });

  test.each([301, 302, 303, 307, 308])('attack: a redirect with status %i is not followed', async (status) => {
    const elsewhere = await serve(json({ answer: 'yes' }));
    const server = await serve((_request, response) => response.writeHead(status, { location: elsewhere.url }).end());
    expect(await refusal(postTo(server.url, 'hunter2').send({}))).toBe(`internal: expected status 200, got ${status} ()`);
    expect(elsewhere.hits()).toBe(0);
  });

  test('attack: no proxy from the environment takes the request', async () => {
    const [server, proxy] = [await serve(json(1)), await serve(json(2))];
    const kept = { ...process.env };
    Object.assign(process.env, { HTTP_PROXY: proxy.url, http_proxy: proxy.url });
    try {
      expect(await postTo(server.url).send({})).toBe(1);
    } finally {
      for (const name of ['HTTP_PROXY', 'http_proxy']) delete process.env[name];
      Object.assign(process.env, kept);
    }
    expect(proxy.hits()).toBe(0);
  });
});

describe('what is no answer', () => {
  const endless = (status: number): Parameters<typeof localServer>[0] => (_request, response) => {
    response.writeHead(status);
    const more = setInterval(() => response.write(' '.repeat(400)), 1);
    response.on('close', () => clearInterval(more));
  };
  const slowly: Parameters<typeof localServer>[0] = (_request, response) => {
    response.writeHead(200);
    const more = setInterval(() => response.write(' '), 50);
    response.on('close', () => clearInterval(more));
  };

  test.each<[string, Parameters<typeof localServer>[0]]>([
    ['silence', () => undefined],
    ['a body that comes letter by letter', slowly],
    ['an endless body', endless(200)],
    ['an error with an endless body', endless(500)],
    ['more bytes than allowed', (_request, response) => response.writeHead(200).end(JSON.stringify('x'.repeat(2_000)))],
    ['a length beyond what is allowed', (_request, response) => response.writeHead(200, { 'content-length': 1e12 }).write('{}')],
    ['a connection that breaks', (request) => request.socket.destroy()],
    ['half an answer', (request) => { request.socket.end('HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{"answer":'); }],
    ['no HTTP', (request) => { request.socket.end('hello\r\n\r\n'); }],
    ['status 204', (_request, response) => response.writeHead(204).end()],
    ['status 201 with an answer', json({ answer: 1 }, 201)],
    ['status 500 with an answer', json({ answer: 1 }, 500)],
    ['no JSON', (_request, response) => response.writeHead(200).end('<html>')],
    ['nothing', (_request, response) => response.writeHead(200).end()],
    ['two answers', (_request, response) => response.writeHead(200).end('{"answer":1}{"answer":2}')],
    ['the same member twice', (_request, response) => response.writeHead(200).end('{"answer":1,"answer":2}')],
    ['`__proto__`', (_request, response) => response.writeHead(200).end('{"__proto__":{"answer":1}}')],
    ['bytes that are no text', (_request, response) => response.writeHead(200).end(Buffer.from([0x22, 0xff, 0xfe, 0x22]))],
    ['compressed JSON', (_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(Buffer.from([0x1f, 0x8b, 8]))],
  ])('attack: %s', async (_name, answer) => {
    const server = await serve(answer);
    const start = performance.now();
    expect(await refusal(postTo(server.url, 'hunter2').send({}))).toMatch(/^(internal|request_malformed): expected /);
    expect(performance.now() - start).toBeLessThan(2_500);
  });

  test('attack: nobody there', async () => {
    const server = await localServer(json(1));
    await server.close();
    expect(await refusal(postTo(server.url).send({}))).toMatch(/^internal: expected an answer/);
    expect(await refusal(postTo('http://nobody.invalid/').send({}))).toMatch(/^internal: expected /);
  });

  test('attack: what was said, and the token, are in no message', async () => {
    for (const answer of [(_: unknown, response: { writeHead(status: number): { end(text: string): void } }) => response.writeHead(200).end('password=hunter2'), json('hunter2', 401)] as Parameters<typeof localServer>[0][]) {
      const server = await serve(answer);
      expect(await refusal(postTo(server.url, 'hunter2').send({}))).not.toContain('hunter2');
    }
  });

  test('attack: more questions than connections wait no longer than one may', async () => {
    const server = await serve(() => undefined);
    const post = postTo(server.url);
    const start = performance.now();
    const answers = await Promise.all(Array.from({ length: 50 }, () => refusal(post.send({}))));
    expect(answers.every((answer) => answer.startsWith('internal: '))).toBe(true);
    expect(performance.now() - start).toBeLessThan(2_500);
    expect(server.hits()).toBeLessThanOrEqual(50);
  });
});
