import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { ChannelNode, ChannelWorld, rule } from '../../../../../test/support/channel-house.js';
import { type MailHouse, startMail } from '../../../../../test/support/channel-receivers.js';

const nodes: ChannelNode[] = [];
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.stop()));
  await Promise.all(closing.splice(0).map((close) => close()));
});
const until = <T>(look: () => T, timeout = 5_000) => vi.waitFor(look, { timeout, interval: 10 });

async function start(options?: Parameters<typeof startMail>[0]): Promise<MailHouse> {
  const house = await startMail(options);
  closing.push(() => house.close());
  return house;
}
async function open({ port, ca }: Pick<MailHouse, 'port' | 'ca'>, over: Readonly<Record<string, unknown>> = {}): Promise<ChannelNode> {
  const config = { kind: 'mail', host: 'localhost', port, secure: 'starttls', ca_from_env: 'CA', from: 'flyball@house.example', ...over };
  const node = new ChannelNode(new ChannelWorld(), { post: config }, { CA: ca, USER: 'flyball', PASSWORD: 'canary-mail-password' });
  nodes.push(node);
  await node.start();
  await until(() => expect(node.world.tables.meta.has('channel:post')).toBe(true));
  return node;
}

describe('a letter', () => {
  test('story: a question and its answer are one thread, to everybody who is asked, over TLS', async () => {
    const house = await start();
    const node = await open(house);
    const hold = await node.ask({ onBehalfOf: 'dora', args: { iban: 'canary-argument' } });
    await until(() => expect(house.letters).toHaveLength(1));
    await node.holds.answer({ hold: hold.id, person: 'ann', agrees: false, reason: 'canary-reason' });
    await until(() => expect(house.letters).toHaveLength(2));
    const [asked, answered] = house.letters;
    expect(asked).toMatchObject({ from: 'flyball@house.example', to: ['ann@people.example', 'ben@people.example', 'robot@people.example'], secure: true });
    expect(asked?.headers).toMatchObject({ subject: 'agent-7 asks to do payment.release', 'message-id': `<${hold.id}.asked@house.example>`, 'auto-submitted': 'auto-generated' });
    expect(asked?.text.replaceAll('\r\n', '\n')).toContain(['on behalf of: dora', 'because: money leaves the house', 'asked: finance', `until: ${new Date(hold.deadline ?? 0).toISOString()}`, '', `https://flyball.example/inbox/${hold.id}`].join('\n'));
    expect(answered?.headers).toMatchObject({ subject: 'ann refused: payment.release by agent-7', 'in-reply-to': `<${hold.id}.asked@house.example>`, references: `<${hold.id}.asked@house.example>` });
    expect(house.letters.map(({ raw }) => raw).join()).not.toContain('canary');
  });

  test('story: TLS from the first byte, with a password', async () => {
    const users: string[] = [];
    const house = await start({ secure: true, authOptional: false, onAuth: ({ username, password }, _session, done) => {
      users.push(`${username ?? ''} ${password ?? ''}`);
      done(null, { user: username ?? '' });
    } });
    const node = await open(house, { secure: 'tls', user_from_env: 'USER', password_from_env: 'PASSWORD' });
    await node.ask();
    await until(() => expect(node.world.told().map(({ body }) => body['result'])).toEqual(['delivered']));
    expect(users).toEqual(['flyball canary-mail-password']);
  });

  test('story: addresses of the configuration come before those of people; an emergency goes to all of them', async () => {
    const house = await start();
    const node = await open(house, { to: { finance: ['money@house.example'], managers: ['boss@house.example'] } });
    await node.ask({ approvals: [rule(), rule({ approvers: 'security' })] });
    await until(() => expect(house.letters.map(({ to }) => to)).toEqual([['money@house.example', 'ben@people.example']]));
    await node.emergencies.declare({ name: 'outage', person: 'ann', incident: 'INC-7', reason: 'down', identity: '*', action: '*' });
    await until(() => expect(house.letters[1]?.to).toEqual(['money@house.example', 'boss@house.example']));
    expect(house.letters[1]?.headers['subject']).toBe('EMERGENCY outage opened by ann');
  });

  test('law: where nobody has an address, the record says that nobody was told', async () => {
    const house = await start();
    const node = await open(house);
    await node.ask({ approvals: [rule({ approvers: 'nobody' })] });
    await until(() => expect(node.world.told().map(({ body }) => [body['result'], body['why']])).toEqual([['dropped', 'nobody in these groups has an address']]));
  });

  test('attack: line breaks, markup and addresses in what a machine says make no header, no recipient and no element', async () => {
    const house = await start();
    const node = await open(house);
    const evil = 'x\r\nBcc: eve@evil.example\r\n\r\n<img src=x onerror=1> "eve@evil.example", \u202Ecba\u2028';
    await node.ask({ action: evil, approvals: [rule({ reason: evil })] });
    await until(() => expect(house.letters).toHaveLength(1));
    const [letter] = house.letters;
    expect(letter?.to).toEqual(['ann@people.example', 'ben@people.example', 'robot@people.example']);
    expect(letter?.headers['bcc']).toBeUndefined();
    expect(letter?.html).not.toMatch(/<img|\u202E|\u2028/);
    expect(letter?.html).toContain('&lt;img src=x onerror=1&gt;');
    expect(letter?.text.split(/\r?\n/).some((line) => line.startsWith('Bcc'))).toBe(false);
  });
});

describe('a server that is not one', () => {
  test('attack: without TLS nothing is said, and the password neither', async () => {
    const heard: string[] = [];
    const house = await start({ hideSTARTTLS: true, disabledCommands: ['STARTTLS'], allowInsecureAuth: true, onAuth: ({ password }, _session, done) => {
      heard.push(password ?? '');
      done(null, { user: 'x' });
    } });
    const node = await open(house, { user_from_env: 'USER', password_from_env: 'PASSWORD' });
    await node.ask();
    await until(() => expect(node.log).toHaveLength(1));
    expect([heard, house.letters, node.world.told()]).toEqual([[], [], []]);
    expect(node.log[0]).not.toContain('canary');
  });

  test('attack: a certificate that nobody vouches for', async () => {
    const [house, other] = [await start(), await start()];
    const node = await open({ port: house.port, ca: other.ca });
    await node.ask();
    await until(() => expect(node.log).toHaveLength(1));
    expect(house.letters).toEqual([]);
  });

  test.each<[string, (server: Server) => void]>([
    ['says nothing', () => undefined],
    ['says something letter by letter', (server) => server.on('connection', (socket) => {
      const more = setInterval(() => socket.write('2'), 50);
      socket.on('close', () => clearInterval(more));
    })],
    ['never stops to greet', (server) => server.on('connection', (socket) => {
      const more = setInterval(() => socket.write(`220-${'x'.repeat(10_000)}\r\n`), 5);
      socket.on('close', () => clearInterval(more));
    })],
    ['never stops to say what it can', (server) => server.on('connection', (socket) => {
      socket.write('220 here\r\n');
      const more = setInterval(() => socket.write('250-X\r\n'), 20);
      socket.on('close', () => clearInterval(more));
    })],
  ])('attack: a server that %s keeps nothing waiting for ever', async (_name, behave) => {
    const server = createServer((socket) => void socket.on('error', () => undefined));
    behave(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => new Promise((resolve) => server.close(resolve)));
    const address = server.address();
    const node = await open({ port: typeof address === 'object' && address ? address.port : 0, ca: (await start()).ca });
    await node.ask();
    await until(() => expect(node.log.join()).toContain('expected the mail server to take the message'));
  });

  test('law: a server that is away for a while is told later; one that refuses a letter does not have it told twice', async () => {
    let away = true;
    const house = await start({ onMailFrom: (_address, _session, done) => done(away ? Object.assign(new Error('canary-try-later'), { responseCode: 451 }) : null) });
    const node = await open(house);
    await node.ask();
    await until(() => expect(node.log).toHaveLength(1));
    away = false;
    await until(() => expect(node.world.told()).toHaveLength(1));
    expect([house.letters.length, node.log.join().includes('canary')]).toEqual([1, false]);
  });
});
