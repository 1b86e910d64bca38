{{/*
The rules of one account, where manifests live: a Role and a RoleBinding in each of these namespaces, or a ClusterRole
and a ClusterRoleBinding. Arguments: root, component, values (of the component), rules (YAML), suffix (of the name).
*/}}
{{- define "sluice.rights" -}}
{{- $root := .root -}}
{{- $part := dict "root" $root "component" .component "values" .values -}}
{{- $account := include "sluice.serviceAccountName" $part -}}
{{- $rules := .rules -}}
{{- $name := printf "%s-%s%s" (include "sluice.fullname" $root) .component (.suffix | default "") -}}
{{- $isClusterWide := $root.Values.clusterWide -}}
{{- $kind := $isClusterWide | ternary "ClusterRole" "Role" -}}
{{- /* ClusterRoles of two releases must not have one name. */ -}}
{{- if $isClusterWide }}{{ $name = printf "%s-%s" $root.Release.Namespace $name }}{{ end -}}
{{- $namespaces := $root.Values.namespaces | default (list $root.Release.Namespace) -}}
{{- range $isClusterWide | ternary (list "") (uniq $namespaces) }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}
metadata:
  name: {{ $name }}
  {{- with . }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "sluice.labels" $part | nindent 4 }}
rules:
  {{- $rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}Binding
metadata:
  name: {{ $name }}
  {{- with . }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "sluice.labels" $part | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $kind }}
  name: {{ $name }}
subjects:
  - kind: ServiceAccount
    name: {{ $account }}
    namespace: {{ $root.Release.Namespace }}
{{- end }}
{{- end }}

{{/* What EventSource, EventBus and Sensor objects name. */}}
{{- define "sluice.readRule" -}}
- apiGroups: ['']
  resources: [secrets, configmaps]
  {{- with .Values.rbac.resourceNames }}
  resourceNames:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  verbs: [get]
{{- end }}

{{/* The argument is a list of ServiceAccounts as which a worker acts, by tokens that it requests. */}}
{{- define "sluice.tokenRule" -}}
- apiGroups: ['']
  resources: [serviceaccounts/token]
  resourceNames:
    {{- toYaml . | nindent 4 }}
  verbs: [create]
{{- end }}
