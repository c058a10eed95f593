// node test/aarm/flyball/prepare.mjs FOLDER: writes a configuration and a bundle for a Flyball that somebody else
// starts (`flyball -c FOLDER/flyball.yaml up`), to run the suite against with AARM_FOLDER=FOLDER and its URL.
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { Upstream } from '../upstream.mjs';
import { freePort } from '../../support/free-port.mjs';
import { Installation, saved } from './installation.mjs';
import { TokenIssuer } from './issuer.mjs';

const folder = resolve(process.argv[2] ?? '.');
mkdirSync(folder, { recursive: true });
const [upstream, issuer] = [await new Upstream().listen(), await new TokenIssuer().listen()];
const ports = { machines: await freePort(), administrators: await freePort(), upstream: Number(new URL(upstream.url).port), issuer: Number(new URL(issuer.url).port) };
const installation = await Installation.write({ upstreamUrl: upstream.url, issuerUrl: issuer.url, folder, ports });
installation.replace(saved, JSON.stringify({ ports, jwk: issuer.jwk, next: {} }));
upstream.close();
issuer.close();
console.log(`${installation.machines}/mcp`);
