import { Anchor, type AnchorProps, Button, type ButtonProps } from '@mantine/core'
import { createLink } from '@tanstack/react-router'
import type { Ref } from 'react'

type AnchorLinkProps = AnchorProps & { readonly ref?: Ref<HTMLAnchorElement> }
/** A link of the console's own. */
export const Link = createLink((props: AnchorLinkProps) => <Anchor inherit={props.size === undefined} {...props} />)

type ButtonLinkProps = ButtonProps & { readonly ref?: Ref<HTMLAnchorElement> }
/** A link that looks like what it begins. */
export const ButtonLink = createLink((props: ButtonLinkProps) => <Button component="a" {...props} />)
