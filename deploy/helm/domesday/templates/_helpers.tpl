{{- define "domesday.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* The name of the objects. 54 characters leave room for the longest suffix, `-metrics`. */}}
{{- define "domesday.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 54 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 54 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 54 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "domesday.selectorLabels" -}}
app.kubernetes.io/name: {{ include "domesday.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "domesday.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "domesday.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "domesday.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "domesday.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "domesday.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* Empty when the store is an SQLite file. */}}
{{- define "domesday.isShared" -}}
{{- if .Values.secrets.databaseUrl.name -}}true{{- end -}}
{{- end -}}

{{- define "domesday.hasMetricsService" -}}
{{- if or .Values.metrics.service.enabled .Values.metrics.serviceMonitor.enabled -}}true{{- end -}}
{{- end -}}

{{/* The secrets that are mounted as files, as entries of a projected volume: the file is named as the setting. */}}
{{- define "domesday.secretFiles" -}}
{{- range $file, $secret := dict "secret-key" .Values.secrets.secretKey "oidc-client-secret" .Values.secrets.oidcClientSecret "webhook-secret" .Values.secrets.webhookSecret }}
{{- if $secret.name }}
- secret:
    name: {{ $secret.name | quote }}
    items:
      - key: {{ $secret.key | quote }}
        path: {{ $file }}
{{- end }}
{{- end }}
{{- end -}}

{{/* A value in TOML. Strings and lists are written as in JSON; numbers of values are floating-point in Helm. */}}
{{- define "domesday.tomlValue" -}}
{{- if or (kindIs "string" .) (kindIs "slice" .) (kindIs "bool" .) -}}
{{- toJson . -}}
{{- else -}}
{{- int64 . -}}
{{- end -}}
{{- end -}}

{{/* The configuration file: `config`, and the paths of what the chart mounts. */}}
{{- define "domesday.toml" -}}
{{- $config := deepCopy .Values.config -}}
{{- if .Values.secrets.secretKey.name -}}
{{- $config = mergeOverwrite $config (dict "secrets" (dict "key_file" "/etc/domesday/secrets/secret-key")) -}}
{{- end -}}
{{- if .Values.secrets.oidcClientSecret.name -}}
{{- $config = mergeOverwrite $config (dict "oidc" (dict "client_secret_file" "/etc/domesday/secrets/oidc-client-secret")) -}}
{{- end -}}
{{- if .Values.secrets.webhookSecret.name -}}
{{- $config = mergeOverwrite $config (dict "webhook" (dict "secret_file" "/etc/domesday/secrets/webhook-secret")) -}}
{{- end -}}
{{- if .Values.secrets.tls.name -}}
{{- $config = mergeOverwrite $config (dict "server" (dict "tls_certificate" "/etc/domesday/tls/tls.crt" "tls_key" "/etc/domesday/tls/tls.key")) -}}
{{- end -}}
# Written by the chart. `domesday config check` prints the settings in effect.
{{- range $section, $settings := $config }}
{{- if $settings }}

[{{ $section }}]
{{- range $name, $value := $settings }}
{{ $name }} = {{ include "domesday.tomlValue" $value }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
