import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path));

/** Tests with a browser are skipped loudly where there is none: `apt-get install -y chromium`. */
export const hasBrowser = executablePath !== undefined;
if (!hasBrowser) console.warn('NO BROWSER: the tests of the pages are skipped; install chromium to run them');

export interface TestBrowser {
  readonly context: BrowserContext;
  close(): Promise<void>;
}

/** A browser with nothing in it, in its own folder. */
export async function openBrowser(options: { readonly width?: number; readonly height?: number; readonly dark?: boolean } = {}): Promise<TestBrowser> {
  const { width = 1_280, height = 860, dark = false } = options;
  const folder = mkdtempSync(join(tmpdir(), 'flyball-browser-'));
  const context = await chromium.launchPersistentContext(folder, {
    executablePath: executablePath ?? '',
    headless: true,
    viewport: { width, height },
    colorScheme: dark ? 'dark' : 'light',
    locale: 'en-GB',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  context.setDefaultTimeout(15_000);
  const close = async () => {
    await context.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  return { context, close };
}

/** An authenticator that says yes: of the machine, with the person verified. */
export async function addAuthenticator(page: Page, options: { readonly userVerified?: boolean } = {}): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send('WebAuthn.enable');
  await session.send('WebAuthn.addVirtualAuthenticator', { options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: options.userVerified ?? true, automaticPresenceSimulation: true } });
}

/** Signs in at the tests' provider, which asks for a name and for consent. */
export async function signInWith(page: Page, account: string): Promise<void> {
  await page.locator('input[name=login]').fill(account);
  await page.locator('input[name=password]').fill('any');
  await page.locator('button[type=submit]').click();
  const consent = page.getByRole('button', { name: /continue/i });
  await Promise.race([consent.waitFor().then(() => consent.click()), page.waitForURL(/localhost:\d+\/(?:$|holds|passkeys|sign-in)/)]);
}
