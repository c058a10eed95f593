import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RecordedText, verifyAnswer } from '@flyball/verify';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addAuthenticator, hasBrowser, openBrowser, signInWith, type TestBrowser } from './support/browser.js';
import { transferTo, wasDone } from './support/exported-record.js';
import { command } from './support/governor.js';
import { held, openPeopleHouse, type PeopleHouse, Visitor } from './support/people-house.js';

let house: PeopleHouse;
let browser: TestBrowser;
let page: Page;
beforeAll(async () => {
  if (!hasBrowser) return;
  house = await openPeopleHouse();
  browser = await openBrowser();
  page = await browser.context.newPage();
  await addAuthenticator(page);
});
afterAll(async () => {
  if (!hasBrowser) return;
  await browser.close();
  await house.close();
});

const open = (path: string, at = page) => at.goto(`${house.address}${path}`);

async function signIn(person: string, at = page): Promise<void> {
  await open('/', at);
  await at.getByRole('button', { name: 'Continue to sign in' }).click();
  await signInWith(at, person);
  await at.getByRole('heading', { name: 'Waiting for you' }).waitFor();
}

const stateOf = async (hold: string): Promise<unknown> => {
  const authorization = `Bearer ${await house.governor.personToken('ann')}`;
  return (await new Visitor(house.address).ask('GET', `/v1/questions/${hold}`, undefined, { authorization })).value['state'];
};

describe.skipIf(!hasBrowser)('the pages in a real browser', () => {
  let signedHold = '';

  test('story: ann signs in, adds a passkey, signs what she sees, and the machine\'s repeated call runs once', async () => {
    signedHold = await held(house, 'shop', 1_800);
    await signIn('ann');
    await page.getByText('payments above 1,000 are signed by finance').click();
    await page.getByText('"amount":1800').waitFor();
    await page.getByRole('button', { name: 'Approve with passkey' }).click();
    await page.getByText('you have none').waitFor();
    await page.getByRole('link', { name: 'Your passkeys' }).click();
    await page.getByRole('button', { name: 'Sign in again to add one' }).click();
    await signInWith(page, 'ann');
    await page.getByLabel('A name for it').fill('Laptop');
    await page.getByRole('button', { name: 'Add a passkey' }).click();
    await page.getByText('Remove').waitFor();
    await open(`/holds/${signedHold}`);
    await page.getByRole('button', { name: 'Approve with passkey' }).click();
    await page.getByText('You approved this').waitFor();
    expect(wasDone(await transferTo(house.client, 'shop', { amount: 1_800 }))).toBe(true);
    await page.locator('#state', { hasText: 'agreed and used' }).waitFor();
    expect(wasDone(await transferTo(house.client, 'shop', { amount: 1_800 }))).toBe(false);
  });

  test('story: ann agrees to less, and the machine can do no more than that', async () => {
    const hold = await held(house, 'less', 900);
    await open(`/holds/${hold}`);
    await page.getByText('Agree to less').click();
    await page.getByLabel(/At most/).fill('50');
    await page.getByLabel('Reason').fill('half of it is not due');
    await page.getByRole('button', { name: 'Approve', exact: true }).click();
    await page.getByText('You approved this').waitFor();
    expect(wasDone(await transferTo(house.client, 'less', { amount: 900 }))).toBe(true);
    expect(house.canary.calls().filter(({ name }) => name === 'transfer').at(-1)?.args).toMatchObject({ to: 'less', amount: 50 });
  });

  test('story: ann refuses, and the machine is told', async () => {
    const hold = await held(house, 'no', 900);
    await open(`/holds/${hold}`);
    await page.getByRole('button', { name: 'Refuse' }).click();
    await page.getByText('You refused this').waitFor();
    expect((await transferTo(house.client, 'no', { amount: 900 })).text).toContain('refused');
  });

  test('story: ann reads three questions that are alike and answers two of them at once, each for itself', async () => {
    const holds = [];
    for (const to of ['rent', 'light', 'water']) holds.push(await held(house, to, 700));
    await open('/');
    await page.getByRole('link', { name: /^Answer \d+ together$/ }).click();
    await page.getByText('"to":"water"').waitFor();
    const cards = page.locator('section.card', { has: page.locator('pre') });
    for (const card of await cards.all()) if (!/"to":"(rent|water)"/.test(await card.innerText())) await card.getByRole('checkbox').uncheck();
    await page.getByLabel('Reason').fill('as every month');
    await page.getByRole('button', { name: 'Approve 2' }).click();
    await page.getByText('You approved 2 questions.').waitFor();
    expect(await Promise.all(holds.map(stateOf))).toEqual(['approved', 'pending', 'approved']);
    for (const to of ['rent', 'water']) expect(wasDone(await transferTo(house.client, to, { amount: 700 }))).toBe(true);
    expect(wasDone(await transferTo(house.client, 'light', { amount: 700 }))).toBe(false);
    await page.goBack();
    await page.getByRole('heading', { name: 'Waiting for you' }).waitFor();
  });

  test('attack: of several one has ended meanwhile; ann is told, sees what is left, and answers it', async () => {
    const holds = [];
    for (const to of ['one', 'two', 'three']) holds.push(await held(house, to, 640));
    await open(`/together#${holds.join(',')}`);
    await page.getByText('"to":"three"').waitFor();
    await house.governor.ask('ben', 'POST', `/v1/holds/${holds[1]}/answer`, { agrees: false, reason: 'not this one' });
    await page.getByRole('button', { name: 'Approve 3' }).click();
    await page.locator('#main').getByText(/1 before it/).waitFor();
    expect(await page.locator('section.card pre').allInnerTexts()).toEqual([expect.stringContaining('"to":"three"')]);
    await page.getByRole('button', { name: 'Approve 1' }).click();
    await page.getByText('You approved 1 question.').waitFor();
    expect(await Promise.all(holds.map(stateOf))).toEqual(['approved', 'refused', 'approved']);
  });

  test('story: ann agrees to the next one like it as well, and no further', async () => {
    const hold = await held(house, 'often', 60);
    await open(`/holds/${hold}`);
    await page.getByText('Also the next ones like it').click();
    await page.getByLabel(/How many/).fill('1');
    await page.getByLabel(/For so many minutes/).fill('30');
    await page.getByRole('button', { name: 'Approve', exact: true }).click();
    await page.getByText('You approved this').waitFor();
    for (const done of [true, true, false]) expect(wasDone(await transferTo(house.client, 'often', { amount: 60 }))).toBe(done);
  });

  test('attack: what a machine sends is text on the page and nothing else', async () => {
    const hostile = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>\u202e';
    const hold = await held(house, hostile, 900);
    await open(`/holds/${hold}`);
    const shown = await page.locator('pre.preview').innerText();
    expect(shown).toContain('<img src=x onerror=');
    expect(shown).not.toContain('\u202e');
    expect(await page.locator('main img, main script').count()).toBe(0);
    expect(await page.title()).not.toBe('owned');
  });

  test('abuse 41: another site\'s page can neither show ours in a frame, nor answer, nor sign ann out', async () => {
    const hold = await held(house, 'clickjacked', 900);
    const evil = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html');
      response.end(`<!doctype html><link rel="prefetch" href="${house.address}/holds/${hold}"><iframe id="frame" src="${house.address}/holds/${hold}"></iframe>
        <form id="form" method="post" enctype="text/plain" target="_self" action="${house.address}/v1/holds/${hold}/answer"><input name='{"agrees":true,"reason":"' value='"}'></form>
        <script>window.done = Promise.allSettled(['/v1/holds/${hold}/answer', '/sign-out'].map((path) => fetch('${house.address}' + path, { method: 'POST', mode: 'no-cors', credentials: 'include', body: '{"agrees":true}' })).concat(fetch('${house.address}/v1/me', { credentials: 'include' }).then((answer) => answer.text())))</script>`);
    });
    await new Promise<void>((done) => evil.listen(0, '127.0.0.1', done));
    try {
      const other = await browser.context.newPage();
      // Of the same site as far as cookies go: a neighbour's port is the worst that there is.
      await other.goto(`http://localhost:${(evil.address() as AddressInfo).port}/`);
      const [, , me] = await other.evaluate(() => (window as unknown as { done: Promise<readonly { status: string }[]> }).done);
      expect(me?.status).toBe('rejected');
      expect(await other.frameLocator('#frame').locator('main').count()).toBe(0);
      await Promise.all([other.waitForURL(`${house.address}/v1/holds/${hold}/answer`), other.evaluate(() => (document.getElementById('form') as HTMLFormElement).submit())]);
      expect(await other.locator('body').innerText()).toContain('not taken');
      await other.close();
    } finally {
      evil.closeAllConnections();
      evil.close();
    }
    expect(await stateOf(hold)).toBe('pending');
    await open('/');
    await page.getByRole('heading', { name: 'Waiting for you' }).waitFor();
  });

  test('law: a link leads back to its question after signing in, and shows nothing before', async () => {
    const hold = await held(house, 'linked', 900);
    const other = await openBrowser({ width: 400 });
    try {
      const at = await other.context.newPage();
      await open(`/holds/${hold}`, at);
      await at.getByRole('button', { name: 'Continue to sign in' }).waitFor();
      expect(await at.locator('body').innerText()).not.toContain('linked');
      await at.getByRole('button', { name: 'Continue to sign in' }).click();
      await signInWith(at, 'ben');
      await at.getByText('"to":"linked"').waitFor();
      for (const path of ['/', '/passkeys', `/holds/${hold}`]) {
        await open(path, at);
        await at.locator('h1').waitFor();
        expect(await at.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), `${path} fits 400 px`).toBe(true);
      }
      await at.getByRole('button', { name: 'Sign out' }).click();
      await at.getByText('You are signed out').waitFor();
      await at.goBack();
      await at.getByRole('button', { name: 'Continue to sign in' }).waitFor();
    } finally {
      await other.close();
    }
  });

  test('law: every control has a name, every page a heading, and the keyboard reaches the answer', async () => {
    const hold = await held(house, 'accessible', 900);
    for (const path of ['/', '/passkeys', `/holds/${hold}`, `/together#${hold}`]) {
      await open(path);
      await page.locator('h1').waitFor();
      expect(await page.locator('h1').count()).toBe(1);
      const nameless = await page.evaluate(() => [...document.querySelectorAll('button, a, input, textarea')].filter((each) => !(each.textContent?.trim() || each.getAttribute('aria-label') || document.querySelector(`label[for="${each.id}"]`))).map((each) => each.outerHTML));
      expect(nameless).toEqual([]);
    }
    await open(`/holds/${hold}`);
    await page.getByLabel('Reason').focus();
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Approve');
  });

  /** The record can be read once the governor has let go of it. */
  test('law: from the record alone a stranger sees that ann\'s own key signed what she saw', async () => {
    await house.governor.stop();
    const folder = mkdtempSync(join(tmpdir(), 'flyball-record-'));
    const file = join(folder, 'record.jsonl');
    const { code, stderr } = await command(house.governor.directory, ['db', 'export', file], { SIGN_IN_SECRET: 'x' });
    expect(stderr.includes('error') ? stderr : code).toBe(0);
    const rows = readFileSync(file, 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as { table: string; row: Record<string, string> });
    rmSync(folder, { recursive: true });
    const leaves = rows.filter(({ table }) => table === 'entry').map(({ row }) => row['body'] ?? '');
    const texts = (id: string): RecordedText => {
      const payload = rows.find(({ table, row }) => table === 'payload' && row['entry'] === id)?.row;
      return { leaf: leaves.find((leaf) => (JSON.parse(leaf) as { id: string }).id === id) ?? '', salt: payload?.['salt'] ?? '', content: payload?.['content'] ?? '' };
    };
    const approval = leaves.map((leaf) => JSON.parse(leaf) as { id: string; kind: string; body: { hold?: string; digest: string; seen?: string; signature?: { authenticator: string } } }).find(({ kind, body }) => kind === 'approval' && body.hold === signedHold);
    const verdict = verifyAnswer(texts(approval?.id ?? ''), texts(approval?.body.signature?.authenticator ?? ''));
    const { code: verified, stdout } = await command(house.governor.directory, ['verify'], { SIGN_IN_SECRET: 'x' });
    expect(verified, stdout).toBe(0);
    const [, signed, checked] = /signed answers +(\d+), of which (\d+)/.exec(stdout) ?? [];
    expect([Number(signed) > 0, signed]).toEqual([true, checked]);
    expect(verdict).toMatchObject({ holds: true, answer: { hold: signedHold, digest: approval?.body.digest, seen: approval?.body.seen, agrees: true } });
  });
});
