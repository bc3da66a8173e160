; An evaluator for Scheme in Scheme, which runs a program of its own.

(define (evaluate form env)
  (cond ((symbol? form) (cdr (find form env)))
        ((not (pair? form)) form)
        (else
         (case (car form)
           ((quote) (cadr form))
           ((if) (evaluate (if (evaluate (cadr form) env) (caddr form) (cadddr form)) env))
           ((lambda) (list 'procedure (cadr form) (cddr form) env))
           ((define) (define-variable! (cadr form) (evaluate (caddr form) env) env))
           ((begin) (evaluate-all (cdr form) env))
           ((let)
            (evaluate (cons (cons 'lambda (cons (map car (cadr form)) (cddr form)))
                            (map cadr (cadr form)))
                      env))
           ((cond) (evaluate-cond (cdr form) env))
           (else
            (call (evaluate (car form) env)
                  (map (lambda (argument) (evaluate argument env)) (cdr form))))))))

(define (evaluate-all forms env)
  (if (null? (cdr forms))
      (evaluate (car forms) env)
      (begin (evaluate (car forms) env)
             (evaluate-all (cdr forms) env))))

(define (evaluate-cond clauses env)
  (if (or (eq? (caar clauses) 'else) (evaluate (caar clauses) env))
      (evaluate-all (cdar clauses) env)
      (evaluate-cond (cdr clauses) env)))

(define (call procedure arguments)
  (if (procedure? procedure)
      (apply procedure arguments)
      (let ((parameters (cadr procedure)) (body (caddr procedure)) (env (cadddr procedure)))
        (evaluate-all body (cons (cons 'frame (map cons parameters arguments)) env)))))

; An environment is a list of frames, a frame a list of bindings behind its name.
(define (find name env)
  (if (null? env)
      (error "unbound variable" name)
      (or (assq name (cdar env)) (find name (cdr env)))))

(define (define-variable! name value env)
  (set-cdr! (car env) (cons (cons name value) (cdar env)))
  name)

(define outermost
  (list (list 'frame
              (cons '+ +) (cons '- -) (cons '* *) (cons '= =) (cons '< <)
              (cons 'cons cons) (cons 'car car) (cons 'cdr cdr) (cons 'null? null?)
              (cons 'list list))))

(define (run form) (write (evaluate form outermost)) (newline))

(run '(define fact (lambda (n) (if (= n 0) 1 (* n (fact (- n 1)))))))
(run '(fact 10))
(run '(define map (lambda (f l) (if (null? l) '() (cons (f (car l)) (map f (cdr l)))))))
(run '(map (lambda (x) (* x x)) '(1 2 3 4)))
(run '(let ((a 1) (b 2)) (list b a)))
(run '(define fib (lambda (n) (cond ((< n 2) n) (else (+ (fib (- n 1)) (fib (- n 2))))))))
(run '(fib 13))
(run '(((lambda (f) (lambda (x) (f (f x)))) (lambda (y) (* y y))) 3))
