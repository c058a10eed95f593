import { z } from 'zod';

const headersFromEnv = z.record(z.string().regex(/^[A-Za-z0-9-]{1,64}$/, 'expected the name of a header'), z.string().min(1)).default({});
const pointer = z.string().max(512).regex(/^(\/([^~]|~[01])*)?$/, 'expected a JSON Pointer such as `/status/open`');
const url = z.string().min(1).max(2_048);
const path = z.string().min(1).max(1_024);

const file = z.strictObject({ path });
const http = z.strictObject({ url, headers_from_env: headersFromEnv, allow_private_address: z.boolean().default(false) });
const sql = z.strictObject({
  /** Name of the environment variable that holds the address of the database. */
  url_from_env: z.string().min(1),
  /** One query; `$1` and so on are what `parameters` say. */
  statement: z.string().min(1).max(10_000),
  parameters: z.array(z.string().min(1).max(512)).max(20).default([]),
});
const calendar = z
  .strictObject({
    path: path.optional(),
    url: url.optional(),
    headers_from_env: headersFromEnv,
    allow_private_address: z.boolean().default(false),
    /** Where whole days and times without a zone are, by its name in the time zone database. */
    time_zone: z.string().min(1).max(64).optional(),
  })
  .refine((value) => (value.path === undefined) !== (value.url === undefined), 'expected exactly one of `path` and `url`');

const kinds = ['file', 'http', 'sql', 'calendar'] as const;
const source = z
  .strictObject({ name: z.string().min(1).max(64).optional(), file: file.optional(), http: http.optional(), sql: sql.optional(), calendar: calendar.optional() })
  .refine((value) => kinds.filter((kind) => value[kind] !== undefined).length === 1, 'expected exactly one of `file`, `http`, `sql` and `calendar`');

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const dayMs = 86_400_000;
const duration = z
  .string()
  .regex(/^\d{1,5}[smhd]$/, 'expected a time such as "30s"')
  .transform((text) => Number(text.slice(0, -1)) * (units[text.slice(-1)] ?? 0))
  .pipe(z.number().min(1_000, 'expected at least 1s').max(dayMs, 'expected at most 1d'));
const timeout = z.number().int().min(10).max(10_000).default(2_000);

/** Facts of `catalogue.yaml`, each with who supplies it. */
const fact = z.strictObject({
  /** They have to say the same. */
  sources: z.array(source).min(1).max(4),
  /** How long an answer counts. */
  fresh_for: duration.default(30_000),
  timeout_ms: timeout,
  /** Where in the answer each attribute is; `/` and its own name where nothing else is said. */
  select: z.record(z.string().min(1).max(128), pointer).default({}),
});

const name = z.string().regex(/^[a-z][a-z0-9_]{0,63}$/, 'expected lower-case letters, digits and `_`');

export const factsConfig = z.record(name, fact).default({});
/** Who can say whether evidence is what it claims to be, by the name that `evidence.yaml` gives. */
export const evidenceSourcesConfig = z.record(name, z.strictObject({ source, timeout_ms: timeout })).default({});
