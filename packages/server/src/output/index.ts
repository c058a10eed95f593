export { inspect, type OutputSettings, type SchemaMode } from './inspect.js';
