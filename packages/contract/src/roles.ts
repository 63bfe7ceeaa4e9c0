import { z } from 'zod'

/** What a person is in an organization, the strongest first. What each may do: docs/roles.md. */
export const roles = ['owner', 'admin', 'manager', 'member', 'auditor'] as const
export type Role = (typeof roles)[number]

/** What a person can be on a project. An organization has owners, a project has none. */
export const projectRoles = ['admin', 'manager', 'member', 'auditor'] as const
export type ProjectRole = (typeof projectRoles)[number]

export const roleSchema = z.enum(roles)
export const projectRoleSchema = z.enum(projectRoles)
