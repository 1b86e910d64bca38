/**
 * Sends spans to an OpenTelemetry collector where `OTEL_EXPORTER_OTLP_ENDPOINT` names one. Loaded only then, so that a
 * worker without tracing does not hold it in memory. The exporter, the sampler and the resource read OpenTelemetry's
 * own variables (`OTEL_SERVICE_NAME`, `OTEL_TRACES_SAMPLER`, `OTEL_EXPORTER_OTLP_HEADERS` …).
 */

export interface Tracing {
  /** Sends the remaining spans. */
  close(): Promise<void>;
}

export async function startTracing(environment: NodeJS.ProcessEnv): Promise<Tracing | undefined> {
  if (!isWanted(environment)) return undefined;
  const [{ trace }, { BasicTracerProvider, BatchSpanProcessor }, { OTLPTraceExporter }, resources] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace-base'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ]);
  const { defaultResource, detectResources, envDetector, resourceFromAttributes } = resources;
  const provider = new BasicTracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': 'sluice' }))
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  trace.setGlobalTracerProvider(provider);
  return {
    // An unavailable collector must not keep a worker from ending.
    close: () => provider.shutdown().catch(() => undefined),
  };
}

function isWanted(environment: NodeJS.ProcessEnv): boolean {
  const { OTEL_SDK_DISABLED, OTEL_TRACES_EXPORTER } = environment;
  if (OTEL_SDK_DISABLED === 'true' || OTEL_TRACES_EXPORTER === 'none') return false;
  return Boolean(environment['OTEL_EXPORTER_OTLP_ENDPOINT'] ?? environment['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']);
}
