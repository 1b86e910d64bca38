/**
 * The few names of the WebAssembly API that the engine uses. TypeScript declares them only together with the browser's
 * DOM, which does not belong in a Node project.
 */
declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- the only way to declare a global namespace
  namespace WebAssembly {
    // A compiled module: opaque, may be sent to threads.
    class Module {
      constructor(bytes: Uint8Array);
      static imports(module: Module): { module: string; name: string; kind: string }[];
    }
    class Memory {
      private constructor();
      readonly buffer: ArrayBuffer;
      grow(pages: number): number;
    }
    class Instance {
      constructor(module: Module);
      readonly exports: Record<string, unknown>;
    }
    type ImportedFunction = (...args: number[]) => number | void;
    function compile(bytes: Uint8Array): Promise<Module>;
    function instantiate(module: Module, imports: Record<string, Record<string, ImportedFunction>>): Promise<Instance>;
  }
}

export {};
