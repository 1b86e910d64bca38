/** What dev/ needs to know about one server program to find or obtain it. */
export interface Tool {
  /** File name of the executable; also names its cache folder and its environment variable. */
  executable: string;
  /** The version that is downloaded, built or installed, without a leading "v". */
  version: string;
  /** The lowest version accepted from PATH. */
  lowestVersion: string;
  /** Finds the comparable version in what `<executable> --version` prints; its first group is the version. */
  versionPattern: RegExp;
  /** What prints the version; default: `--version`. */
  versionArguments?: readonly string[];
  /** Any version on PATH will do: the program starts, or fails, when it is asked for its version. */
  acceptsAnyVersion?: true;
  /** The official release for this platform, if its makers publish one. */
  release?: (platform: Platform) => Release | undefined;
  /** The last resort. */
  source: ToolSource;
}

export type ToolSource =
  | { kind: 'go-module'; folder: string; packagePath: string; linkerFlags: string; duration: string }
  | { kind: 'system-package'; names: Readonly<Record<PackageManager, string>> }
  /** `extra`: what the package needs besides, as in `name[extra]`. */
  | { kind: 'python-package'; name: string; extra?: string };

export type PackageManager = 'apt-get' | 'apk' | 'dnf' | 'brew';

/** In the words of Go, which all the releases use. */
export interface Platform {
  os: string;
  architecture: string;
}

export interface Release {
  url: string;
  /** A file that holds the SHA-256 of the release, alone or in a list with file names. */
  checksumUrl: string;
  /** Where the executable is in the archive; the download itself is the executable when absent. */
  pathInArchive?: string;
}

/** The platform of this process. */
export function currentPlatform(): Platform {
  return { os: process.platform, architecture: process.arch === 'x64' ? 'amd64' : process.arch };
}

/** The environment variable that names the executable, for instance SLUICE_KUBE_APISERVER_BIN. */
export function binaryVariable(tool: Tool): string {
  return `SLUICE_${tool.executable.toUpperCase().replaceAll('-', '_')}_BIN`;
}

/** Returns true if `version` is `lowest` or newer. Both are dotted numbers. */
export function isAtLeast(version: string, lowest: string): boolean {
  const left = version.split('.').map(Number);
  const right = lowest.split('.').map(Number);
  for (let index = 0; index < right.length; index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
