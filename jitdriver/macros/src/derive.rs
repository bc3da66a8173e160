//! `#[derive(Traceable)]`: where the scalars and the discriminant of a type are.
//!
//! The layout of a struct is asked of rustc, field by field. That of an enum with payloads is what the
//! language says of `#[repr(u8)]` and its like; without one the language says nothing, so the derive
//! asks for it.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{format_ident, quote};
use syn::spanned::Spanned;
use syn::{Data, DataEnum, DeriveInput, Fields, Meta};

/// Most fields of a variant.
const MAX_FIELDS: usize = 12;

/// There are no references to fields of a packed type, and a trace reads what references lead to.
fn check_not_packed(input: &DeriveInput) -> syn::Result<()> {
    for attr in input.attrs.iter().filter(|attr| attr.path().is_ident("repr")) {
        let Meta::List(list) = &attr.meta else { continue };
        for token in list.tokens.clone() {
            if let TokenTree::Ident(name) = token
                && name == "packed"
            {
                return Err(syn::Error::new(
                    name.span(),
                    "a packed type has no references to its fields; leave the derive out, and it is moved as words",
                ));
            }
        }
    }
    Ok(())
}

/// The implementation, or the author's mistakes.
pub fn traceable(input: &DeriveInput) -> syn::Result<TokenStream> {
    check_not_packed(input)?;
    let (layout, niche, tag) = match &input.data {
        Data::Struct(data) => (
            struct_layout(&data.fields),
            struct_niche(&data.fields),
            quote!(::core::option::Option::Some(__p::layout::Tag::Single)),
        ),
        Data::Enum(data) => enum_layout(input, data)?,
        Data::Union(data) => {
            return Err(syn::Error::new(
                data.union_token.span,
                "a union cannot be traced: which of its fields is alive is not known; leave the derive out, and it is moved as words",
            ));
        }
    };
    let name = &input.ident;
    let (generics, args, bounds) = input.generics.split_for_impl();
    let (field_types, arms) = parts(&input.data);
    Ok(quote! {
        #[allow(clippy::all, unused_imports, unused_variables, unreachable_patterns)]
        const _: () = {
            use ::jitdriver::plumbing as __p;
            use __p::layout::AnyLayout as _;
            use __p::owned::{NoDrop as _, NoNote as _, NoOwnDrop as _};
            // SAFETY: the pieces are those of the fields, at the fields' offsets.
            unsafe impl #generics __p::layout::Traceable for #name #args #bounds {
                const LAYOUT: &'static [__p::layout::PieceTy] = const { &#layout }.get();
                const NICHE: ::core::option::Option<__p::layout::Niche> = #niche;
                const DROP: ::core::option::Option<fn(__p::Rec, __p::Place<Self>)> =
                    match ::core::mem::needs_drop::<Self>()
                        && (!__p::owned::HasDrop::<Self>::HAS
                            || __p::owned::is_traced(&|__value: &Self| __value.__jit_own_drop()))
                    {
                        true => ::core::option::Option::Some(|__rec, __place| {
                            <Self as __p::owned::Glue>::note(__rec);
                            __p::owned::drop_whole(
                                __rec,
                                __place,
                                |__value: &Self| __value.__jit_own_drop(),
                                |__whole, __parts| match __whole {
                                    #(#arms)*
                                },
                            );
                        }),
                        false => ::core::option::Option::None,
                    };
            }
            impl #generics __p::owned::Glue for #name #args #bounds {
                fn note(__rec: __p::Rec) {
                    if __p::owned::note_type::<Self>(__rec) {
                        #(__p::owned::NoteType::<#field_types>(::core::marker::PhantomData).note(__rec);)*
                    }
                }
            }
            impl #generics __p::layout::Tagged for #name #args #bounds {
                fn tag() -> ::core::option::Option<__p::layout::Tag> {
                    #tag
                }
                fn agrees(&self, _: u64) -> bool {
                    true
                }
            }
        };
    })
}

/// The types of all parts, and an arm per variant that tells the parts in a value.
fn parts(data: &Data) -> (Vec<&syn::Type>, Vec<TokenStream>) {
    let arm = |path: TokenStream, fields: &Fields| {
        let names: Vec<_> = (0..fields.len()).map(|at| format_ident!("__f{at}")).collect();
        let members = fields.members();
        quote!(#path { #(#members: #names),* } => { #(__parts.add(__rec, #names);)* })
    };
    match data {
        Data::Struct(data) => {
            let types = data.fields.iter().map(|field| &field.ty).collect();
            (types, vec![arm(quote!(Self), &data.fields)])
        }
        Data::Enum(data) => {
            let fields = data.variants.iter().flat_map(|variant| &variant.fields);
            let arms = data.variants.iter().map(|variant| {
                let name = &variant.ident;
                arm(quote!(Self::#name), &variant.fields)
            });
            // An enum without variants has no values.
            let none = data.variants.is_empty().then(|| quote!(_ => ::core::unreachable!(),));
            (fields.map(|field| &field.ty).collect(), arms.chain(none).collect())
        }
        Data::Union(_) => (Vec::new(), Vec::new()),
    }
}

fn struct_layout(fields: &Fields) -> TokenStream {
    let parts = fields.members().zip(fields).map(|(member, field)| {
        let ty = &field.ty;
        quote!(.with(::core::mem::offset_of!(Self, #member), __p::layout::Layout::<#ty>::PIECES))
    });
    quote!(__p::layout::Joined::EMPTY #(#parts)*)
}

fn struct_niche(fields: &Fields) -> TokenStream {
    let parts = fields.members().zip(fields).map(|(member, field)| {
        let ty = &field.ty;
        quote!((
            ::core::mem::offset_of!(Self, #member),
            ::core::mem::size_of::<#ty>(),
            __p::layout::Layout::<#ty>::NICHE,
        ))
    });
    quote!(__p::layout::Niche::of_struct(&[#(#parts),*]))
}

/// Layout, niche and tag.
type OfEnum = (TokenStream, TokenStream, TokenStream);

fn enum_layout(input: &DeriveInput, data: &DataEnum) -> syn::Result<OfEnum> {
    let n = data.variants.len() as u64;
    let consecutive = data.variants.iter().all(|variant| variant.discriminant.is_none());
    let niche = |ty: &TokenStream| match consecutive {
        true => quote!(::core::option::Option::Some(__p::layout::Niche::below(0, #ty, #n))),
        false => quote!(::core::option::Option::None),
    };
    if data.variants.iter().all(|variant| variant.fields.is_empty()) {
        let ty = quote!(__p::layout::int_of_size(::core::mem::size_of::<Self>()));
        let layout = quote!(__p::layout::c_like(::core::mem::size_of::<Self>()));
        let tag = quote!(match ::core::mem::size_of::<Self>() {
            0 => ::core::option::Option::Some(__p::layout::Tag::Single),
            size => ::core::option::Option::Some(__p::layout::Tag::Value {
                offset: 0,
                ty: __p::layout::int_of_size(size)
            }),
        });
        return Ok((layout, niche(&ty), tag));
    }
    let repr = Repr::of(input)?;
    let tag_ty = &repr.tag;
    let mut variants = Vec::new();
    for variant in &data.variants {
        if variant.fields.len() > MAX_FIELDS {
            return Err(syn::Error::new(
                variant.fields.span(),
                format!(
                    "a variant of more than {MAX_FIELDS} fields cannot be traced; put them into a struct of their own"
                ),
            ));
        }
        variants.push(variant.fields.iter().map(|field| &field.ty).collect::<Vec<_>>());
    }
    let piece = quote!(__p::layout::int_of_size(::core::mem::size_of::<#tag_ty>()));
    let aligns = variants.iter().map(|fields| {
        let shape = shape(fields.len());
        quote!(::core::mem::align_of::<__p::layout::#shape<#(#fields),*>>())
    });
    // With `repr(C)` all payloads start where the one that is aligned the most may start.
    let start = match repr.c {
        true => {
            quote!(__p::layout::payload_offset(::core::mem::size_of::<#tag_ty>(), &[#(#aligns),*]))
        }
        false => quote!(0),
    };
    let parts = variants.iter().map(|fields| {
        let c = repr.c;
        let shape = shape(fields.len() + usize::from(!c));
        let tag = (!c).then(|| quote!(#tag_ty,));
        let fields_at = fields.iter().enumerate().map(|(at, ty)| {
            let index = syn::Index::from(at + usize::from(!c));
            quote!(.with(
                #start + ::core::mem::offset_of!(__p::layout::#shape<#tag #(#fields),*>, #index),
                __p::layout::Layout::<#ty>::PIECES,
            ))
        });
        quote!(.or(__p::layout::Joined::EMPTY #(#fields_at)*))
    });
    let layout = quote! {
        __p::layout::Joined::EMPTY
            .with(0, &[__p::layout::PieceTy::at(0, #piece)])
            #(#parts)*
            .as_payload()
    };
    let tag =
        quote!(::core::option::Option::Some(__p::layout::Tag::Value { offset: 0, ty: #piece }));
    Ok((layout, niche(&piece), tag))
}

/// The struct of so many fields that is laid out as C does.
fn shape(n_fields: usize) -> Ident {
    format_ident!("C{n_fields}")
}

/// How an enum says that it is laid out.
struct Repr {
    c: bool,
    tag: Ident,
}

impl Repr {
    fn of(input: &DeriveInput) -> syn::Result<Repr> {
        const TAGS: [&str; 10] =
            ["u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32", "i64", "isize"];
        let (mut c, mut tag) = (false, None);
        for attr in input.attrs.iter().filter(|attr| attr.path().is_ident("repr")) {
            let Meta::List(list) = &attr.meta else { continue };
            list.parse_nested_meta(|meta| {
                if meta.path.is_ident("C") {
                    c = true;
                } else if let Some(name) = meta.path.get_ident()
                    && TAGS.contains(&name.to_string().as_str())
                {
                    tag = Some(name.clone());
                }
                Ok(())
            })?;
        }
        match (c, tag) {
            (c, Some(tag)) => Ok(Repr { c, tag }),
            (true, None) => Ok(Repr { c, tag: format_ident!("i32") }),
            (false, None) => Err(syn::Error::new(
                input.ident.span(),
                format!(
                    "the layout of `{}` is not fixed: write `#[jit]` above it instead of the derive, or `#[repr(u8)]`, or leave the derive out and have its variants asked for by calls",
                    input.ident
                ),
            )),
        }
    }
}
