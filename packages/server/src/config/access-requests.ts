import { z } from 'zod';

const isPlain = (url: string): boolean => url.startsWith('http:');

const callback = z
  .strictObject({
    /** Where notices go; a submission has to name it letter by letter. */
    url: z.url({ protocol: /^https?$/ }).max(2_048),
    /** Enforcement points that may have their requests told there. */
    identities: z.array(z.string().min(1)).min(1).max(1_000),
    /** Name of the environment variable with the secret that notices are signed with. */
    secret_from_env: z.string().min(1).max(128),
    allow_private_address: z.boolean().default(false),
  })
  .refine(({ url, allow_private_address: allowed }) => !isPlain(url) || allowed, 'expected https, or `allow_private_address` for a place of the inside');

/** Access requests of enforcement points (ARAP): what needs people's consent is denied, and can be asked for. */
export const accessRequestsConfig = z
  .strictObject({
    /** How long a denial can be asked about. */
    denial_seconds: z.number().int().min(1).max(3_600).default(600),
    callbacks: z.array(callback).max(1_000).default([]),
    /** Enforcement points that may ask for grants of the identities that they ask about; to nobody else a denial says that it could be lifted so. */
    grants_for_subjects_by: z.array(z.string().min(1).max(128)).max(1_000).default([]),
  })
  .optional();
