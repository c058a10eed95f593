// npm start: installs, builds, runs the quickstart, and stays up.
import { prepare } from './install.mjs';

prepare();
await import('../examples/quickstart/start.mjs');
