{{- define "altiplano.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "altiplano.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "altiplano.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "altiplano.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What selects a program's pods; takes (dict "root" $ "program" "agent"). */}}
{{- define "altiplano.selector" -}}
app.kubernetes.io/name: {{ include "altiplano.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .program }}
{{- end -}}

{{- define "altiplano.labels" -}}
{{ include "altiplano.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- define "altiplano.serviceAccountName" -}}
{{- if .Values.serviceAccount.name -}}
{{- .Values.serviceAccount.name -}}
{{- else if .Values.serviceAccount.create -}}
{{- include "altiplano.fullname" . -}}
{{- else -}}
default
{{- end -}}
{{- end -}}

{{- define "altiplano.image" -}}
{{ .image.repository }}:{{ default .root.Chart.AppVersion .image.tag }}
{{- end -}}

{{- define "altiplano.busUrl" -}}
{{- if .Values.bus.url -}}
{{- .Values.bus.url -}}
{{- else if .Values.nats.enabled -}}
nats://{{ .Values.nats.fullnameOverride }}:4222
{{- else -}}
{{- fail "bus.url is empty and nats.enabled is false: name the NATS servers, as bus.url=nats://host:4222" -}}
{{- end -}}
{{- end -}}

{{/* The headless service: KEDA asks each server of a cluster by its pod's name. */}}
{{- define "altiplano.monitoring" -}}
{{- if .Values.bus.monitoring -}}
{{- .Values.bus.monitoring -}}
{{- else if .Values.nats.enabled -}}
{{ .Values.nats.fullnameOverride }}-headless.{{ .Release.Namespace }}.svc:8222
{{- else -}}
{{- fail "agents.keda.enabled needs bus.monitoring (host:port of the NATS servers' monitoring) where nats.enabled is false" -}}
{{- end -}}
{{- end -}}

{{- define "altiplano.graceSeconds" -}}
{{- if kindIs "invalid" .Values.agents.graceSeconds -}}{{ int .Values.agents.taskTimeoutSeconds }}{{- else -}}{{ int .Values.agents.graceSeconds }}{{- end -}}
{{- end -}}

{{/* Bus and store, as variables. Takes root and program. */}}
{{- define "altiplano.env" -}}
{{- $auth := .root.Values.bus.auth -}}
{{- $own := index $auth .program -}}
{{- $tls := .root.Values.bus.tls -}}
{{- $store := .root.Values.store -}}
- name: POD_NAME
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
- name: NATS_URL
  value: {{ include "altiplano.busUrl" .root | quote }}
{{- if eq $auth.method "password" }}
- name: NATS_USER
  value: {{ $own.user | quote }}
- name: NATS_PASSWORD_FILE
  value: /run/secrets/nats/secret
{{- else if eq $auth.method "token" }}
- name: NATS_TOKEN_FILE
  value: /run/secrets/nats/secret
{{- else if eq $auth.method "nkey" }}
- name: NATS_NKEY
  value: /run/secrets/nats/secret
{{- else if eq $auth.method "creds" }}
- name: NATS_CREDS
  value: /run/secrets/nats/secret
{{- end }}
{{- if eq .program "coordinator" }}
# What people run in its pods (`altiplano status`) has its account, and would listen as a viewer.
- name: NATS_INBOX_PREFIX
  value: _INBOX_coordinator
{{- end }}
{{- if $tls.caSecretName }}
- name: NATS_CA
  value: /run/secrets/nats-ca/ca.crt
{{- end }}
{{- if index $tls (printf "%sSecretName" .program) }}
- name: NATS_CERT
  value: /run/secrets/nats-tls/tls.crt
- name: NATS_KEY
  value: /run/secrets/nats-tls/tls.key
{{- end }}
- name: ALTIPLANO_STORE
  value: {{ required "store.url is empty: name the object store, as store.url=s3://bucket/prefix" $store.url | quote }}
{{- if $store.region }}
- name: AWS_REGION
  value: {{ $store.region | quote }}
{{- end }}
{{- if $store.endpoint }}
- name: AWS_ENDPOINT_URL_S3
  value: {{ $store.endpoint | quote }}
{{- end }}
{{- if not (kindIs "invalid" $store.pathStyle) }}
- name: ALTIPLANO_S3_PATH_STYLE
  value: {{ $store.pathStyle | quote }}
{{- end }}
- name: TMPDIR
  value: /scratch
- name: NODE_ENV
  value: production
{{- end -}}

{{/* Secrets are readable by the pod's group alone. */}}
{{- define "altiplano.volumes" -}}
{{- $own := index .root.Values.bus.auth .program -}}
{{- $tls := .root.Values.bus.tls -}}
- name: scratch
  emptyDir: { sizeLimit: {{ .scratch.sizeLimit }} }
{{- if ne .root.Values.bus.auth.method "none" }}
- name: nats
  secret:
    secretName: {{ $own.secretName }}
    defaultMode: 0440
    items: [{ key: {{ $own.key }}, path: secret }]
{{- end }}
{{- with $tls.caSecretName }}
- name: nats-ca
  secret: { secretName: {{ . }}, defaultMode: 0440 }
{{- end }}
{{- with index $tls (printf "%sSecretName" .program) }}
- name: nats-tls
  secret: { secretName: {{ . }}, defaultMode: 0440 }
{{- end }}
{{- end -}}

{{- define "altiplano.volumeMounts" -}}
{{- $tls := .root.Values.bus.tls -}}
- { name: scratch, mountPath: /scratch }
{{- if ne .root.Values.bus.auth.method "none" }}
- { name: nats, mountPath: /run/secrets/nats, readOnly: true }
{{- end }}
{{- if $tls.caSecretName }}
- { name: nats-ca, mountPath: /run/secrets/nats-ca, readOnly: true }
{{- end }}
{{- if index $tls (printf "%sSecretName" .program) }}
- { name: nats-tls, mountPath: /run/secrets/nats-tls, readOnly: true }
{{- end }}
{{- end -}}

{{- define "altiplano.podMetadata" -}}
labels:
  {{- include "altiplano.labels" . | nindent 2 }}
{{- $annotations := dict -}}
{{- if .root.Values.metrics.annotations -}}
{{- $annotations = dict "prometheus.io/scrape" "true" "prometheus.io/port" (toString .root.Values.metrics.port) "prometheus.io/path" "/metrics" -}}
{{- end -}}
{{- with merge (deepCopy .values.podAnnotations) $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* What the pods of both programs share. Takes root, program, and the program's values. */}}
{{- define "altiplano.podSpec" -}}
serviceAccountName: {{ include "altiplano.serviceAccountName" .root }}
automountServiceAccountToken: false
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 1000
  runAsGroup: 1000
  fsGroup: 1000
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: { type: RuntimeDefault }
{{- with .values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "altiplano.selector" . | nindent 8 }}
volumes:
  {{- include "altiplano.volumes" (dict "root" .root "program" .program "scratch" .values.scratch) | nindent 2 }}
{{- end -}}

{{/* What their containers share. */}}
{{- define "altiplano.container" -}}
image: {{ include "altiplano.image" (dict "root" .root "image" .values.image) }}
imagePullPolicy: {{ .values.image.pullPolicy }}
env:
  {{- include "altiplano.env" . | nindent 2 }}
  {{- with .values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .root.Values.store.secretName }}
envFrom:
  - secretRef: { name: {{ . }} }
{{- end }}
ports:
  - { name: metrics, containerPort: {{ .root.Values.metrics.port }} }
startupProbe:
  httpGet: { path: /metrics, port: metrics }
  periodSeconds: 5
  failureThreshold: 60
livenessProbe:
  httpGet: { path: /metrics, port: metrics }
  periodSeconds: 20
  timeoutSeconds: 10
  failureThreshold: 6
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
resources:
  {{- toYaml .values.resources | nindent 2 }}
volumeMounts:
  {{- include "altiplano.volumeMounts" . | nindent 2 }}
{{- end -}}
