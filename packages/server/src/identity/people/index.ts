export { type Expected, type Proven, Provider, type ProviderSettings } from './provider.js';
export { recognise, type RecogniseSettings } from './recognise.js';
