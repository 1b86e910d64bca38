import { readFileSync } from 'node:fs';
import path from 'node:path';

/** The version in package.json, which stands next to dist/ in a checkout and in the published package alike. */
export function productVersion(): string {
  const file = path.join(__dirname, '..', '..', '..', 'package.json');
  const manifest: unknown = JSON.parse(readFileSync(file, 'utf8'));
  const version = typeof manifest === 'object' && manifest !== null && 'version' in manifest ? manifest.version : '';
  return String(version);
}
