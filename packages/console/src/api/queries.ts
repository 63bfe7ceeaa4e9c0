import type { QueryOf } from '@keyturn/sdk'
import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import { api, orThrow, readAll } from './api.ts'

/** What the console reads. Each has one place, so that what is read twice is asked once. */
export const queries = {
  me: () => queryOptions({ queryKey: ['me'], queryFn: async () => orThrow(await api.call('GET /v1/me')) }),
  sessions: () =>
    queryOptions({ queryKey: ['sessions'], queryFn: async () => orThrow(await api.call('GET /v1/me/sessions')) }),
  organization: (org: string) =>
    queryOptions({
      queryKey: ['organization', org],
      queryFn: async () => orThrow(await api.call('GET /v1/organizations/{org}', { path: { org } })),
    }),
  projects: (org: string) =>
    queryOptions({
      queryKey: ['projects', org],
      queryFn: () =>
        readAll((cursor) =>
          api.call('GET /v1/organizations/{org}/projects', { path: { org }, query: { limit: 200, cursor } }),
        ),
    }),
  keys: (org: string, project: string | undefined, query: QueryOf<'GET /v1/organizations/{org}/keys'>) =>
    queryOptions({
      queryKey: ['keys', org, project ?? null, query],
      queryFn: async () =>
        orThrow(
          project === undefined
            ? await api.call('GET /v1/organizations/{org}/keys', { path: { org }, query })
            : await api.call('GET /v1/projects/{project}/keys', { path: { project }, query }),
        ),
      placeholderData: keepPreviousData,
    }),
  managementKeys: (org: string) =>
    queryOptions({
      queryKey: ['management-keys', org],
      queryFn: async () =>
        orThrow(
          await api.call('GET /v1/organizations/{org}/management-keys', { path: { org }, query: { limit: 200 } }),
        ),
    }),
  key: (key: string) =>
    queryOptions({
      queryKey: ['key', key],
      queryFn: async () => orThrow(await api.call('GET /v1/keys/{key}', { path: { key } })),
    }),
  cutOver: (key: string) =>
    queryOptions({
      queryKey: ['cut-over', key],
      queryFn: async () => orThrow(await api.call('GET /v1/keys/{key}/rotation', { path: { key } })),
    }),
  usage: (key: string, query: QueryOf<'GET /v1/keys/{key}/usage'>) =>
    queryOptions({
      queryKey: ['usage', key, query],
      queryFn: async () => orThrow(await api.call('GET /v1/keys/{key}/usage', { path: { key }, query })),
    }),
  claimLinks: (key: string) =>
    queryOptions({
      queryKey: ['claim-links', key],
      queryFn: async () => orThrow(await api.call('GET /v1/keys/{key}/claim-links', { path: { key } })).data,
    }),
  expirations: (org: string, query: QueryOf<'GET /v1/organizations/{org}/expirations'>) =>
    queryOptions({
      queryKey: ['expirations', org, query],
      queryFn: async () => orThrow(await api.call('GET /v1/organizations/{org}/expirations', { path: { org }, query })),
      placeholderData: keepPreviousData,
    }),
  forecast: (org: string, query: QueryOf<'GET /v1/organizations/{org}/expirations/forecast'> = {}) =>
    queryOptions({
      queryKey: ['forecast', org, query],
      queryFn: async () =>
        orThrow(await api.call('GET /v1/organizations/{org}/expirations/forecast', { path: { org }, query })),
    }),
  findings: (org: string, query: QueryOf<'GET /v1/organizations/{org}/findings'> = {}) =>
    queryOptions({
      queryKey: ['findings', org, query],
      queryFn: async () =>
        orThrow(await api.call('GET /v1/organizations/{org}/findings', { path: { org }, query })).data,
    }),
  feedTokens: (org: string) =>
    queryOptions({
      queryKey: ['feed-tokens', org],
      queryFn: async () => orThrow(await api.call('GET /v1/organizations/{org}/feed-tokens', { path: { org } })).data,
    }),
  trackedCredentials: (org: string) =>
    queryOptions({
      queryKey: ['tracked-credentials', org],
      queryFn: () =>
        readAll((cursor) =>
          api.call('GET /v1/organizations/{org}/tracked-credentials', { path: { org }, query: { limit: 200, cursor } }),
        ),
    }),
  reminders: (org: string, query: QueryOf<'GET /v1/organizations/{org}/reminders'>) =>
    queryOptions({
      queryKey: ['reminders', org, query],
      queryFn: async () => orThrow(await api.call('GET /v1/organizations/{org}/reminders', { path: { org }, query })),
    }),
  remindersToCome: (key: string) =>
    queryOptions({
      queryKey: ['reminders-to-come', key],
      queryFn: async () => orThrow(await api.call('GET /v1/keys/{key}/reminders/preview', { path: { key } })),
    }),
  outbox: (org: string, query: QueryOf<'GET /v1/organizations/{org}/outbox'>) =>
    queryOptions({
      queryKey: ['outbox', org, query],
      queryFn: async () => orThrow(await api.call('GET /v1/organizations/{org}/outbox', { path: { org }, query })),
      placeholderData: keepPreviousData,
    }),
  mail: (org: string, mail: string) =>
    queryOptions({
      queryKey: ['mail', org, mail],
      queryFn: async () =>
        orThrow(await api.call('GET /v1/organizations/{org}/outbox/{mail}', { path: { org, mail } })),
    }),
  channels: (org: string) =>
    queryOptions({
      queryKey: ['channels', org],
      queryFn: async () =>
        orThrow(await api.call('GET /v1/organizations/{org}/channels', { path: { org }, query: { limit: 200 } })).data,
    }),
  channel: (channel: string) =>
    queryOptions({
      queryKey: ['channel', channel],
      queryFn: async () => orThrow(await api.call('GET /v1/channels/{channel}', { path: { channel } })),
    }),
  deliveries: (channel: string, query: QueryOf<'GET /v1/channels/{channel}/deliveries'>) =>
    queryOptions({
      queryKey: ['deliveries', channel, query],
      queryFn: async () =>
        orThrow(await api.call('GET /v1/channels/{channel}/deliveries', { path: { channel }, query })),
    }),
  nodes: () =>
    queryOptions({ queryKey: ['nodes'], queryFn: async () => orThrow(await api.call('GET /v1/nodes')).data }),
  auditEvents: (org: string, query: QueryOf<'GET /v1/organizations/{org}/audit-events'>) =>
    queryOptions({
      queryKey: ['audit-events', org, query],
      queryFn: async () =>
        orThrow(await api.call('GET /v1/organizations/{org}/audit-events', { path: { org }, query })),
      placeholderData: keepPreviousData,
    }),
  auditVerification: (org: string) =>
    queryOptions({
      queryKey: ['audit-verification', org],
      queryFn: async () =>
        orThrow(await api.call('GET /v1/organizations/{org}/audit-events/verification', { path: { org } })),
    }),
  members: (org: string) =>
    queryOptions({
      queryKey: ['members', org],
      queryFn: () =>
        readAll((cursor) =>
          api.call('GET /v1/organizations/{org}/members', { path: { org }, query: { limit: 200, cursor } }),
        ),
    }),
  invitations: (org: string) =>
    queryOptions({
      queryKey: ['invitations', org],
      queryFn: () =>
        readAll((cursor) =>
          api.call('GET /v1/organizations/{org}/invitations', { path: { org }, query: { limit: 200, cursor } }),
        ),
    }),
  leaving: (org: string, member: string) =>
    queryOptions({
      queryKey: ['leaving', org, member],
      queryFn: async () =>
        orThrow(await api.call('GET /v1/organizations/{org}/members/{member}/leaving', { path: { org, member } })),
    }),
  propagation: (sequence: number) =>
    queryOptions({
      queryKey: ['propagation', sequence],
      queryFn: async () => orThrow(await api.call('GET /v1/propagations/{sequence}', { path: { sequence } })),
    }),
}
