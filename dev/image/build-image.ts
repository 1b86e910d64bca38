import { randomBytes } from 'node:crypto';
import { repoRoot } from '../repo-root';
import { startProgress } from '../progress';
import { BUILD_OPTIONS, buildah } from './image-store';
import { makeStandInBases } from './stand-in-bases';

/** The part of an OCI image's configuration that decides how it runs. */
export interface ImageConfiguration {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly WorkingDir: string;
  readonly Labels: Readonly<Record<string, string>>;
  readonly ExposedPorts: Readonly<Record<string, object>>;
}

export interface BuiltImage {
  /** Folder of the unpacked file system. */
  readonly rootPath: string;
  readonly configuration: ImageConfiguration;
  remove(): Promise<void>;
}

/** Builds the repository's Dockerfile. Takes some minutes. */
export async function buildImage(buildArguments: Readonly<Record<string, string>> = {}): Promise<BuiltImage> {
  const bases = await makeStandInBases();
  const suffix = randomBytes(4).toString('hex');
  const [image, container] = [`localhost/sluice-built:${suffix}`, `sluice-built-${suffix}`];
  const given = Object.entries({ NODE_IMAGE: bases.node, GO_IMAGE: bases.go, ...buildArguments });
  const options = given.flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]);
  const progress = startProgress('building the image');
  try {
    await buildah(['bud', ...BUILD_OPTIONS, ...options, '--tag', image, repoRoot], (line) => progress.detail(line));
    progress.finish('built the image');
  } catch (error) {
    progress.finish('could not build the image');
    throw error;
  }
  await buildah(['from', '--pull-never', '--name', container, image]);
  const described = JSON.parse(await buildah(['inspect', '--type', 'image', image])) as {
    readonly OCIv1: { readonly config: ImageConfiguration };
  };
  return {
    rootPath: (await buildah(['mount', container])).trim(),
    configuration: described.OCIv1.config,
    remove: async () => {
      await buildah(['rm', container]);
      await buildah(['rmi', image]);
    },
  };
}
