import { readGoToolModule, readOwnGoModule } from './go-tool-module';
import type { Release, Tool } from './tool';

const SEMANTIC_VERSION = /(\d+\.\d+\.\d+)/;

interface GoToolOptions {
  lowestVersion: string;
  versionPattern?: RegExp;
  versionArguments?: readonly string[];
  /** How long a first build takes on two cores, for the message. */
  duration: string;
  linkerFlags?: (version: string) => string;
  release: (version: string, os: string, architecture: string) => Release | undefined;
}

function createGoTool(executable: string, options: GoToolOptions): Tool {
  const { folder, packagePath, version } = readGoToolModule(executable);
  return {
    executable,
    version,
    lowestVersion: options.lowestVersion,
    versionPattern: options.versionPattern ?? SEMANTIC_VERSION,
    ...(options.versionArguments !== undefined && { versionArguments: options.versionArguments }),
    release: ({ os, architecture }) => options.release(version, os, architecture),
    source: {
      kind: 'go-module',
      folder,
      packagePath,
      linkerFlags: options.linkerFlags?.(version) ?? '',
      duration: options.duration,
    },
  };
}

function createOwnGoTool(executable: string, duration: string): Tool {
  const { folder, packagePath, version } = readOwnGoModule(executable);
  return {
    executable,
    version,
    // No release installs it: a program of this name on PATH is another one.
    lowestVersion: version,
    versionPattern: /^$/,
    source: { kind: 'go-module', folder, packagePath, linkerFlags: '', duration },
  };
}

/** Every program that dev/ or a test starts. A test run finds or builds all of them before its first test. */
export const tools = {
  temporal: createGoTool('temporal', {
    // Our own build reports itself as 0.0.0-DEV; the version of the server inside is correct.
    versionPattern: /Server (\d+\.\d+\.\d+)/,
    lowestVersion: '1.28.0',
    duration: 'about 3 minutes',
    release: (version, os, architecture) => {
      const base = `https://github.com/temporalio/cli/releases/download/v${version}`;
      return {
        url: `${base}/temporal_cli_${version}_${os}_${architecture}.tar.gz`,
        checksumUrl: `${base}/checksums.txt`,
        pathInArchive: 'temporal',
      };
    },
  }),
  natsServer: createGoTool('nats-server', {
    lowestVersion: '2.11.0',
    duration: 'about 30 seconds',
    release: (version, os, architecture) => {
      const base = `https://github.com/nats-io/nats-server/releases/download/v${version}`;
      const name = `nats-server-v${version}-${os}-${architecture}`;
      return {
        url: `${base}/${name}.tar.gz`,
        checksumUrl: `${base}/SHA256SUMS`,
        pathInArchive: `${name}/nats-server`,
      };
    },
  }),
  etcd: createGoTool('etcd', {
    lowestVersion: '3.5.0',
    duration: 'about a minute',
    release: (version, os, architecture) => {
      // The archives for macOS are zip files, which tar on Linux cannot unpack; build it there instead.
      if (os !== 'linux') return undefined;
      const base = `https://github.com/etcd-io/etcd/releases/download/v${version}`;
      const name = `etcd-v${version}-${os}-${architecture}`;
      return { url: `${base}/${name}.tar.gz`, checksumUrl: `${base}/SHA256SUMS`, pathInArchive: `${name}/etcd` };
    },
  }),
  kubeApiserver: createGoTool('kube-apiserver', {
    lowestVersion: '1.31.0',
    duration: 'about 4 minutes',
    // Without it the server reports v0.0.0-master, which clients cannot compare.
    linkerFlags: (version) => `-X k8s.io/component-base/version.gitVersion=v${version}`,
    release: (version, os, architecture) => {
      if (os !== 'linux') return undefined;
      const url = `https://dl.k8s.io/v${version}/bin/${os}/${architecture}/kube-apiserver`;
      return { url, checksumUrl: `${url}.sha256` };
    },
  }),
  kubectl: createGoTool('kubectl', {
    lowestVersion: '1.28.0',
    versionArguments: ['version', '--client'],
    duration: 'about 2 minutes',
    linkerFlags: (version) => `-X k8s.io/component-base/version.gitVersion=v${version}`,
    release: (version, os, architecture) => {
      const url = `https://dl.k8s.io/v${version}/bin/${os}/${architecture}/kubectl`;
      return { url, checksumUrl: `${url}.sha256` };
    },
  }),
  helm: createGoTool('helm', {
    lowestVersion: '3.17.0',
    versionArguments: ['version'],
    duration: 'about 3 minutes',
    // As in the Makefile of Helm: its version, and the Kubernetes that `helm template` and `helm lint` assume.
    linkerFlags: (version) =>
      [
        `-w -s -X helm.sh/helm/v3/internal/version.version=v${version}`,
        ...['pkg/lint/rules', 'pkg/chartutil'].map(
          (name) => `-X helm.sh/helm/v3/${name}.k8sVersionMajor=1 -X helm.sh/helm/v3/${name}.k8sVersionMinor=34`,
        ),
      ].join(' '),
    release: (version, os, architecture) => {
      const url = `https://get.helm.sh/helm-v${version}-${os}-${architecture}.tar.gz`;
      return { url, checksumUrl: `${url}.sha256sum`, pathInArchive: `${os}-${architecture}/helm` };
    },
  }),
  kfake: createOwnGoTool('kfake', 'about 20 seconds'),
  redisServer: {
    executable: 'redis-server',
    version: '7',
    lowestVersion: '6.2.0',
    versionPattern: /v=(\d+\.\d+\.\d+)/,
    source: {
      kind: 'system-package',
      names: { 'apt-get': 'redis-server', apk: 'redis', dnf: 'redis', brew: 'redis' },
    },
  },
  mosquitto: {
    executable: 'mosquitto',
    version: '2',
    lowestVersion: '2.0.0',
    versionPattern: SEMANTIC_VERSION,
    acceptsAnyVersion: true,
    source: {
      kind: 'system-package',
      names: { 'apt-get': 'mosquitto', apk: 'mosquitto', dnf: 'mosquitto', brew: 'mosquitto' },
    },
  },
  rabbitmqServer: {
    executable: 'rabbitmq-server',
    version: '3',
    lowestVersion: '3.10.0',
    versionPattern: SEMANTIC_VERSION,
    acceptsAnyVersion: true,
    source: {
      kind: 'system-package',
      names: { 'apt-get': 'rabbitmq-server', apk: 'rabbitmq-server', dnf: 'rabbitmq-server', brew: 'rabbitmq' },
    },
  },
  rustac: {
    executable: 'rustac',
    version: '0.9.18',
    lowestVersion: '0.2.0',
    versionPattern: SEMANTIC_VERSION,
    source: { kind: 'python-package', name: 'rustac' },
  },
  /** Amazon SQS and IAM, in memory. */
  motoServer: {
    executable: 'moto_server',
    version: '5.2.5',
    lowestVersion: '5.1.0',
    versionPattern: SEMANTIC_VERSION,
    source: { kind: 'python-package', name: 'moto', extra: 'server' },
  },
} as const satisfies Record<string, Tool>;
