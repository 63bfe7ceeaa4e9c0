export { addressOf, type Client, type ClientSettings, createClient, type InputOf } from './client.ts'
export type { AnswerOf, BodyOf, Endpoints, IssuedKey, Page, QueryOf, Route } from './endpoints.ts'
export { eachPage } from './pages.ts'
export { type CallProblem, type ClientCode, clientCodes, type Result } from './problem.ts'
