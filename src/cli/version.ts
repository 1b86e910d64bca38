import { readFileSync } from 'node:fs';
import path from 'node:path';

/** Returns the version in package.json, which is next to dist/ both in a checkout and in the published package. */
export function productVersion(): string {
  const file = path.join(__dirname, '..', '..', '..', 'package.json');
  const manifest: unknown = JSON.parse(readFileSync(file, 'utf8'));
  const version = typeof manifest === 'object' && manifest !== null && 'version' in manifest ? manifest.version : '';
  return String(version);
}
