{{/*
One Deployment with its ServiceAccount and PodDisruptionBudget. Arguments: root, component, values (of the component),
entry (of dist/workers), env and ports (YAML of lists, may be empty).
*/}}
{{- define "sluice.deployment" -}}
{{- $root := .root -}}
{{- $name := printf "%s-%s" (include "sluice.fullname" $root) .component -}}
{{- $part := dict "root" $root "component" .component "values" .values -}}
{{- $pod := deepCopy $root.Values.pods -}}
{{- range $key, $value := .values }}{{ $_ := set $pod $key $value }}{{ end -}}
{{- if .values.serviceAccount.create }}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "sluice.serviceAccountName" $part }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "sluice.labels" $part | nindent 4 }}
  {{- with .values.serviceAccount.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
---
{{- end }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "sluice.labels" $part | nindent 4 }}
spec:
  {{- if not (dig "autoscaling" "enabled" false .values) }}
  replicas: {{ .values.replicas }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "sluice.selectorLabels" $part | nindent 6 }}
  template:
    metadata:
      labels:
        {{- merge (include "sluice.labels" $part | fromYaml) $pod.labels | toYaml | nindent 8 }}
      annotations:
        prometheus.io/scrape: 'true'
        prometheus.io/port: '7777'
        prometheus.io/path: /metrics
        checksum/configuration: {{ include "sluice.configuration" $root | sha256sum }}
        {{- with $pod.annotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ include "sluice.serviceAccountName" $part }}
      terminationGracePeriodSeconds: {{ $pod.terminationGracePeriodSeconds }}
      # Sluice reads no address of a Service from the environment.
      enableServiceLinks: false
      {{- with $pod.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      {{- with $root.Values.image.pullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $pod.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $pod.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $pod.affinity }}
      affinity:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $pod.topologySpreadConstraints }}
      topologySpreadConstraints:
        {{- range . }}
        {{- $own := dict "labelSelector" (dict "matchLabels" (include "sluice.selectorLabels" $part | fromYaml)) }}
        - {{- (hasKey . "labelSelector" | ternary . (merge $own .)) | toYaml | nindent 10 }}
        {{- end }}
      {{- end }}
      securityContext:
        {{- toYaml $pod.securityContext | nindent 8 }}
      containers:
        - name: worker
          image: {{ include "sluice.image" $root }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          args: [dist/workers/{{ .entry }}.js]
          envFrom:
            - configMapRef:
                name: {{ include "sluice.fullname" $root }}-configuration
            - secretRef:
                name: {{ $root.Values.environmentSecretName | default (printf "%s-temporal" (include "sluice.fullname" $root)) }}
                optional: true
            {{- with $pod.envFrom }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          env:
            {{- .env | nindent 12 }}
            {{- with $root.Values.temporal.apiKeySecret }}
            {{- if .name }}
            - name: TEMPORAL_API_KEY
              valueFrom:
                secretKeyRef:
                  name: {{ .name }}
                  key: {{ .key }}
            {{- end }}
            {{- end }}
            {{- with $root.Values.nats.urlSecret }}
            {{- if .name }}
            - name: SLUICE_BUS_URL
              valueFrom:
                secretKeyRef:
                  name: {{ .name }}
                  key: {{ .key }}
            {{- end }}
            {{- end }}
            {{- if $root.Values.payloadKeysSecretName }}
            - name: SLUICE_PAYLOAD_KEYS_FILE
              value: /payload-keys/keys
            {{- end }}
            {{- with $pod.env }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          ports:
            - name: health
              containerPort: 8081
            - name: metrics
              containerPort: 7777
            {{- with .ports }}
            {{- . | nindent 12 }}
            {{- end }}
          # Alive while waiting for Temporal: a restart would not bring it back.
          livenessProbe:
            httpGet:
              path: /healthz
              port: health
            periodSeconds: 10
            failureThreshold: 6
          readinessProbe:
            httpGet:
              path: /readyz
              port: health
            periodSeconds: 5
          resources:
            {{- toYaml $pod.resources | nindent 12 }}
          securityContext:
            {{- toYaml $pod.containerSecurityContext | nindent 12 }}
          volumeMounts:
            - name: tmp
              mountPath: /tmp
            {{- with $root.Values.temporal.tls.caSecretName }}
            - name: temporal-ca
              mountPath: /temporal-ca
              readOnly: true
            {{- end }}
            {{- with $root.Values.temporal.tls.clientSecretName }}
            - name: temporal-client
              mountPath: /temporal-client
              readOnly: true
            {{- end }}
            {{- if $root.Values.payloadKeysSecretName }}
            - name: payload-keys
              mountPath: /payload-keys
              readOnly: true
            {{- end }}
            {{- with $pod.volumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
      volumes:
        - name: tmp
          emptyDir:
            sizeLimit: {{ $pod.tmpSizeLimit }}
        {{- with $root.Values.temporal.tls.caSecretName }}
        - name: temporal-ca
          secret:
            secretName: {{ . }}
            items:
              - key: ca.crt
                path: ca.crt
        {{- end }}
        {{- with $root.Values.temporal.tls.clientSecretName }}
        - name: temporal-client
          secret:
            secretName: {{ . }}
            # 0440
            defaultMode: 288
        {{- end }}
        {{- with $root.Values.payloadKeysSecretName }}
        - name: payload-keys
          secret:
            secretName: {{ . }}
            # 0440
            defaultMode: 288
        {{- end }}
        {{- with $pod.volumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
{{- if .values.podDisruptionBudget.enabled }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ $name }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "sluice.labels" $part | nindent 4 }}
spec:
  maxUnavailable: {{ .values.podDisruptionBudget.maxUnavailable }}
  selector:
    matchLabels:
      {{- include "sluice.selectorLabels" $part | nindent 6 }}
{{- end }}
{{- end }}

{{/* Secrets that are mounted or in the environment belong to the release's namespace. */}}
{{- define "sluice.ownNamespace" -}}
valueFrom:
  fieldRef:
    fieldPath: metadata.namespace
{{- end }}

{{/*
Whoever reaches Temporal can apply manifests; what they may use is decided here, beside RBAC. See docs/security.md for
SLUICE_ALLOWED_KINDS, _SERVICE_ACCOUNTS and _SECRETS.
*/}}
{{- define "sluice.workerEnvironment" -}}
{{- if not .Values.clusterWide }}
- name: SLUICE_ALLOWED_NAMESPACES
  {{- include "sluice.namespacesVariable" . | nindent 2 }}
{{- end }}
- name: SLUICE_SECRETS_NAMESPACE
  {{- include "sluice.ownNamespace" . | nindent 2 }}
# Sluice's own Secrets there, which no manifest may name.
- name: SLUICE_WITHHELD_SECRETS
  value: {{ include "sluice.ownSecrets" . }}
{{- end }}

{{- define "sluice.ownSecrets" -}}
{{- $name := include "sluice.fullname" . -}}
{{- $environment := .Values.environmentSecretName | default (printf "%s-temporal" $name) -}}
{{- $payloadKeys := .Values.payloadKeysSecretName | default (printf "%s-payload-keys" $name) -}}
{{- $temporal := list .Values.temporal.apiKeySecret.name .Values.temporal.tls.clientSecretName -}}
{{- concat (list (printf "%s-admission" $name) $environment $payloadKeys) $temporal | compact | uniq | join "," -}}
{{- end }}

{{- define "sluice.namespacesVariable" -}}
{{- if .Values.namespaces -}}
value: {{ join "," .Values.namespaces }}
{{- else -}}
{{ include "sluice.ownNamespace" . }}
{{- end -}}
{{- end }}
