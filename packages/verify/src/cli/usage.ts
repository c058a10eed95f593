export const usageText = `Verifies a Flyball log without trusting whoever runs it.

  flyball-verify receipt FILE... --key VKEY
  flyball-verify log FOLDER|URL --key VKEY [--since CHECKPOINT_FILE...] [--receipts FILE...]
                 [--promises FILE...] [--bodies FILE.jsonl] [--token T] [--json]

whom to trust, for both:
  --key VKEY         verifier key of the log; may be repeated
  --witness VKEY     cosigner key of a witness; may be repeated
  --quorum N         how many of the witnesses must have signed; all when left out
  --policy FILE      a C2SP tlog-policy, instead of the three above

  --json             the verdict as JSON

Ends with 0 when everything holds, with 1 when something does not, with 2 when the command cannot be understood.
`;
